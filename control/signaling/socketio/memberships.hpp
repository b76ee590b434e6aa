#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/message_guard.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/socketio/application.hpp"

namespace sluice::socketio {

/// What the room core knows of sockets that may be in several rooms at once, where a core peer is in one: each (socket,
/// room) is a core peer of its own. So operators see these rooms, their limits and bans apply, and who is kicked there is
/// put out here.
class Memberships {
 public:
  using RoomIdOf = std::function<RoomId(std::string_view room)>;
  using Joined = std::function<void(const JoinOutcome& outcome, TimePoint now)>;
  /// The core has put the socket out of a room: kicked, or the room was destroyed. The membership is gone already.
  using PutOut = std::function<void(SocketKey socket, const std::string& room, const PeerKicked& fact)>;
  /// Something from the operator for all members of a room, or one of them: an event's name and its one argument.
  using Posted = std::function<void(const std::string& room, std::optional<SocketKey> socket, std::string_view event,
                                    const std::string& json)>;

  /// `rooms` and `bus` are borrowed for life. New rooms get `capacity`.
  Memberships(Rooms& rooms, Bus& bus, std::string dialect, RoomIdOf room_id, std::size_t capacity, PutOut put_out,
              Posted posted);

  /// Asks the core for admission; `done` runs at once or later, or never if the membership ends first. Nothing happens when
  /// the membership exists.
  void join(SocketKey socket, const std::string& room, std::string_view ip, const Metadata& metadata, TimePoint now,
            Joined done);
  /// Asked for or admitted.
  [[nodiscard]] bool has(SocketKey socket, const std::string& room) const;
  void leave(SocketKey socket, const std::string& room, LeaveCause cause);
  void leave_all(SocketKey socket, LeaveCause cause);
  [[nodiscard]] std::size_t count(SocketKey socket) const;

  /// What connections and messages are shown to before they are handled; none by default. Alive as long as this.
  void set_guard(MessageGuard& guard) { guard_ = &guard; }
  /// Why a connection from `ip` is refused, if it is.
  [[nodiscard]] std::optional<std::string> refuse_connection(std::string_view ip, TimePoint now);
  /// Whether a message of a socket is to be handled. Who is in no room has no peer that a guard could know: it passes.
  [[nodiscard]] bool passes(SocketKey socket, const GuardedMessage& message, TimePoint now);

 private:
  struct Place {
    SocketKey socket;
    std::string room;
  };
  void end(const PeerId& peer, LeaveCause cause);
  std::optional<PeerId> forget(SocketKey socket, const std::string& room);
  [[nodiscard]] std::optional<std::string> room_name(const RoomId& id) const;

  Rooms& rooms_;
  std::string dialect_;
  RoomIdOf room_id_;
  std::size_t capacity_;
  PutOut put_out_;
  MessageGuard* guard_ = nullptr;
  std::unordered_map<SocketKey, std::vector<std::pair<std::string, PeerId>>> peers_;
  std::unordered_map<PeerId, Place> places_;
  std::unordered_map<RoomId, std::pair<std::string, std::size_t>> names_;  // of rooms with memberships: name, how many
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::socketio
