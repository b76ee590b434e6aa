#include "control/app/policy_features.hpp"

namespace sluice::app {

void add_policy_features(FeatureContext& context, Features& features) {
  (void)context;
  (void)features;
}

}  // namespace sluice::app
