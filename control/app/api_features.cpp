#include "control/app/api_features.hpp"

namespace sluice::app {

void add_api_features(FeatureContext& context, Features& features) {
  (void)context;
  (void)features;
}

}  // namespace sluice::app
