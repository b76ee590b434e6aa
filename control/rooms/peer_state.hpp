#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"

namespace sluice {

/// Where a peer is in its life (contract section 1); the names are on the wire.
enum class PeerState : std::uint8_t {
  connecting,    // connection open, in no room: before admission, and again after leaving
  joined,        // in a room, reachable
  reconnecting,  // in a room, connection lost, held: messages for it are queued
  closed,        // gone; only seen in the snapshot of a departing peer, never in the peer table
};

[[nodiscard]] constexpr std::string_view to_string(PeerState state) noexcept {
  switch (state) {
    case PeerState::connecting:
      return "connecting";
    case PeerState::joined:
      return "joined";
    case PeerState::reconnecting:
      return "reconnecting";
    case PeerState::closed:
      break;
  }
  return "closed";
}

/// The only form in which a peer is shown to others: no token, no address.
struct PeerSnapshot {
  PeerId id;
  std::optional<RoomId> room;
  PeerState state = PeerState::connecting;
  Metadata metadata;
  friend bool operator==(const PeerSnapshot&, const PeerSnapshot&) = default;
};

}  // namespace sluice
