#include "control/app/observability_features.hpp"

namespace sluice::app {

void add_observability_features(FeatureContext& context, Features& features) {
  (void)context;
  (void)features;
}

}  // namespace sluice::app
