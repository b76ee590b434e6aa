#include "control/app/security_features.hpp"

namespace sluice::app {

void add_security_features(FeatureContext& context, Features& features) {
  (void)context;
  (void)features;
}

}  // namespace sluice::app
