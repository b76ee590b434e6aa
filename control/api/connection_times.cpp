#include "control/api/connection_times.hpp"

#include "control/rooms/facts.hpp"

namespace sluice {

ConnectionTimes::ConnectionTimes(Bus& bus, const Rooms& rooms, std::int64_t (*unix_ms)()) {
  connected_ = bus.subscribe<PeerConnected>([this, unix_ms](const PeerConnected& fact) { times_[fact.peer] = unix_ms(); });
  closed_ = bus.subscribe<PeerClosed>([this](const PeerClosed& fact) { times_.erase(fact.peer); });
  restored_ = bus.subscribe<RoomsRestored>([this, &rooms, unix_ms](const RoomsRestored&) {
    const std::int64_t now = unix_ms();
    for (const auto& [id, peer] : rooms.peers()) times_.try_emplace(id, now);
  });
}

std::int64_t ConnectionTimes::of(const PeerId& peer) const {
  const auto found = times_.find(peer);
  return found == times_.end() ? 0 : found->second;
}

}  // namespace sluice
