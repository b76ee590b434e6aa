#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/app/policy_modules.hpp"

namespace sluice::app {

/// How often tokens, policies and regions said no, for /metrics.
class PolicyMetrics {
 public:
  /// Both borrowed for life.
  PolicyMetrics(FeatureContext& context, const PolicyModules& modules);

 private:
  static constexpr std::array<std::string_view, 3> policy_codes{"POLICY_REQUIRED", "POLICY_INVALID", "POLICY_ROOM_MISMATCH"};
  static constexpr std::array<std::string_view, 3> token_codes{"TOKEN_REQUIRED", "TOKEN_INVALID", "TOKEN_ROOM_MISMATCH"};
  void write(PrometheusText& out) const;

  const PolicyModules& modules_;
  std::array<std::uint64_t, policy_codes.size()> policies_{};
  std::array<std::uint64_t, token_codes.size()> tokens_{};
  std::array<std::uint64_t, 2> regions_{};  // room, peer
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
