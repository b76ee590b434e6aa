#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/ids.hpp"

/// What limits and detectors found, as facts on the bus.
namespace sluice {

enum class ThreatLevel : std::uint8_t { warn, throttle, kick, ban };
[[nodiscard]] constexpr std::string_view to_string(ThreatLevel level) noexcept {
  switch (level) {
    case ThreatLevel::warn:
      return "warn";
    case ThreatLevel::throttle:
      return "throttle";
    case ThreatLevel::kick:
      return "kick";
    case ThreatLevel::ban:
      break;
  }
  return "ban";
}

/// A model of contract section 23 fired.
struct ThreatDetected {
  ThreatLevel level = ThreatLevel::warn;
  std::string threat;          // "connection_flood" ...
  std::optional<PeerId> peer;  // none: only an address is concerned
  std::string ip;
};
/// An address is shut out until `until` (Unix milliseconds). By the RateLimiter: event `ip:banned`; by the ThreatDetector or
/// an operator: `ban`.
struct AddressBanned {
  std::string ip;
  std::int64_t until = 0;
  bool by_rate_limit = false;
};
struct AddressUnbanned {
  std::string ip;
  bool by_rate_limit = false;
};
/// The RateLimiter closed a connection (`connection:blocked`) or dropped a message (`signal:blocked`). At most one per
/// second and address or peer.
struct ConnectionBlocked {
  std::string ip;
};
struct MessageBlocked {
  PeerId peer;
};

}  // namespace sluice
