#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"
#include "control/rooms/peer_state.hpp"
#include "control/rooms/restrictions.hpp"

namespace sluice {

/// One participant, in at most one room. Owned and changed by Rooms only; references live until PeerClosed.
class Peer {
 public:
  Peer(PeerId id, std::string dialect, std::string ip)
      : id_(std::move(id)), dialect_(std::move(dialect)), ip_(std::move(ip)) {}

  [[nodiscard]] const PeerId& id() const noexcept { return id_; }
  /// Which client protocol speaks for it: "native", "whip", ...
  [[nodiscard]] const std::string& dialect() const noexcept { return dialect_; }
  /// The client's address as text. Never shown to other peers.
  [[nodiscard]] const std::string& ip() const noexcept { return ip_; }
  [[nodiscard]] PeerState state() const noexcept { return state_; }
  /// The room it is in; empty while `connecting`.
  [[nodiscard]] const std::optional<RoomId>& room() const noexcept { return room_; }
  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  /// Rises with every admission on this server: the order of members in a room.
  [[nodiscard]] std::uint64_t join_number() const noexcept { return join_number_; }
  /// Whether a join of it is being decided.
  [[nodiscard]] bool joining() const noexcept { return admission_ != 0; }
  /// Whose media is forwarded, to and from this member.
  [[nodiscard]] const Restrictions& restrictions() const noexcept { return restrictions_; }
  [[nodiscard]] PeerSnapshot snapshot() const { return {id_, room_, state_, metadata_}; }

 private:
  friend class Rooms;
  PeerId id_;
  std::string dialect_;
  std::string ip_;
  PeerState state_ = PeerState::connecting;
  std::optional<RoomId> room_;
  Metadata metadata_;
  Restrictions restrictions_;
  std::uint64_t join_number_ = 0;
  std::uint64_t admission_ = 0;  // the admission under way, 0 = none
};

}  // namespace sluice
