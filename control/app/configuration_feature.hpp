#pragma once

#include "control/app/feature_context.hpp"
#include "control/app/reconfiguration.hpp"

namespace sluice::app {

/// ConfigManager to operators (contract section 38): operations `config.*`.
class ConfigurationFeature final : public Feature {
 public:
  explicit ConfigurationFeature(FeatureContext& context);
};

}  // namespace sluice::app
