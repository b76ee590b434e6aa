#include "control/app/dialect_features.hpp"

namespace sluice::app {

void add_dialect_features(FeatureContext& context, Features& features) {
  (void)context;
  (void)features;
}

}  // namespace sluice::app
