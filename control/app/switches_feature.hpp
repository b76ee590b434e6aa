#pragma once

#include <vector>

#include "control/app/feature_context.hpp"
#include "control/config/feature_flags.hpp"

namespace sluice::app {

/// FeatureFlags (contract section 38): operations `flags.*`, events `flag:changed` and `flag:cleared`. Flags of a room go
/// with it.
class SwitchesFeature final : public Feature {
 public:
  explicit SwitchesFeature(FeatureContext& context);
  void reload(const config::ServerConfig& config) override;

 private:
  void add_operations();

  FeatureContext& context_;
  config::FeatureFlags flags_;
  Bus::Subscription room_destroyed_;
};

}  // namespace sluice::app
