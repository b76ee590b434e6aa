#pragma once

#include <optional>
#include <string>

#include "control/rooms/message_guard.hpp"
#include "control/security/rate_limiter.hpp"
#include "control/security/threat_detector.hpp"

namespace sluice {

/// What clients meet first: the ThreatDetector, then the RateLimiter, each if it is attached. Both see every message, so
/// that one that the RateLimiter drops still counts as part of a flood.
class SecurityGuard final : public MessageGuard {
 public:
  /// Either may be null; borrowed for life.
  SecurityGuard(ThreatDetector* threats, RateLimiter* limiter) : threats_(threats), limiter_(limiter) {}

  [[nodiscard]] std::optional<std::string> refuse_connection(std::string_view ip, TimePoint now) override;
  [[nodiscard]] GuardVerdict check(const PeerId& peer, const GuardedMessage& message, TimePoint now) override;

 private:
  ThreatDetector* threats_;
  RateLimiter* limiter_;
};

}  // namespace sluice
