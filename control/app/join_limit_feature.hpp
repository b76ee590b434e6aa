#pragma once

#include "control/app/feature_context.hpp"
#include "control/security/join_limiter.hpp"

namespace sluice::app {

/// Limits on joins per room and tenant (contract section 38, `rateLimit`). Always there, so that SIGHUP can set limits where
/// there were none.
class JoinLimitFeature final : public Feature {
 public:
  explicit JoinLimitFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override { return next_sweep_; }
  void reload(const config::ServerConfig& config) override;

 private:
  JoinLimiter limiter_;
  TimePoint next_sweep_;
};

}  // namespace sluice::app
