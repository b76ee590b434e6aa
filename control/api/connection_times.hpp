#pragma once

#include <cstdint>
#include <unordered_map>

#include "control/bus/bus.hpp"
#include "control/rooms/rooms.hpp"

namespace sluice {

/// Since when each peer is connected (contract section 40, Peer.connectedAt). Members that were read back after a restart of
/// control count from then.
class ConnectionTimes {
 public:
  /// `unix_ms` reads the wall clock. All references must outlive this.
  ConnectionTimes(Bus& bus, const Rooms& rooms, std::int64_t (*unix_ms)());

  /// Unix milliseconds; 0 for an unknown peer.
  [[nodiscard]] std::int64_t of(const PeerId& peer) const;

 private:
  std::unordered_map<PeerId, std::int64_t> times_;  // one for each entry of the peer table
  Bus::Subscription connected_;
  Bus::Subscription closed_;
  Bus::Subscription restored_;
};

}  // namespace sluice
