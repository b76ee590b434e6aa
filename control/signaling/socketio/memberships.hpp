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
/// room) is a core peer of its own, and a socket in no room is one that has not joined. So operators see these rooms, limits
/// and bans apply to every socket, and who is kicked there is put out here.
class Memberships {
 public:
  using RoomIdOf = std::function<RoomId(std::string_view room)>;
  using Joined = std::function<void(const JoinOutcome& outcome, TimePoint now)>;
  /// The core has put the socket out: kicked, banned, or its room was destroyed. The membership is gone already.
  using PutOut = std::function<void(SocketKey socket, const PeerKicked& fact)>;
  /// Something from the operator for all members of a room, or one of them: an event's name and its one argument.
  using Posted = std::function<void(const std::string& room, std::optional<SocketKey> socket, std::string_view event,
                                    const std::string& json)>;

  /// `rooms` and `bus` are borrowed for life. New rooms get `capacity`.
  Memberships(Rooms& rooms, Bus& bus, std::string dialect, RoomIdOf room_id, std::size_t capacity, PutOut put_out,
              Posted posted);

  /// A token that admission is to be shown with each join: the key under which clients present it, and the one under which
  /// it stands in the metadata.
  struct TokenKey {
    std::string presented;
    std::string metadata;
  };
  void set_token_keys(std::vector<TokenKey> keys) { token_keys_ = std::move(keys); }

  /// A socket is connected; before anything else about it.
  void enter(SocketKey socket, std::string_view ip);
  /// Takes the tokens out of what a client said (its auth, or an event's argument); they hold for its later joins. Those
  /// that are not there stay what they were.
  void present(SocketKey socket, const JsonView& object);
  /// Tokens as a JSON object, for present() when a lost socket is back.
  [[nodiscard]] std::string presented(SocketKey socket) const;

  /// Asks the core for admission; `done` runs at once or later, or never if the membership ends first. Nothing happens when
  /// the membership exists, or the socket has not entered.
  void join(SocketKey socket, const std::string& room, Metadata metadata, TimePoint now, Joined done);
  /// Asked for or admitted.
  [[nodiscard]] bool has(SocketKey socket, const std::string& room) const;
  void leave(SocketKey socket, const std::string& room, LeaveCause cause);
  /// The socket is gone.
  void leave_all(SocketKey socket, LeaveCause cause);
  [[nodiscard]] std::size_t count(SocketKey socket) const;

  /// What connections and messages are shown to before they are handled; none by default. Alive as long as this.
  void set_guard(MessageGuard& guard) { guard_ = &guard; }
  /// Why a connection from `ip` is refused, if it is.
  [[nodiscard]] std::optional<std::string> refuse_connection(std::string_view ip, TimePoint now);
  /// Whether a message of a socket is to be handled.
  [[nodiscard]] bool passes(SocketKey socket, const GuardedMessage& message, TimePoint now);
  /// Whether a socket may send application data to the members of a room; without a room, to whomever it shares one with.
  [[nodiscard]] bool may_send_data(SocketKey socket, std::optional<std::string_view> room = std::nullopt) const;

 private:
  struct Place {
    SocketKey socket;
    std::string room;  // empty: the lobby
  };
  struct Visitor {
    std::string ip;
    std::optional<PeerId> lobby;  // stands for the socket while it has asked for no room
    std::vector<std::pair<std::string, PeerId>> rooms;
    std::vector<std::pair<std::string, std::string>> tokens;  // metadata key, raw JSON
  };
  void wait_in_lobby(SocketKey socket);
  void end(const PeerId& peer, LeaveCause cause);
  std::optional<PeerId> forget(SocketKey socket, const std::string& room);
  [[nodiscard]] std::optional<std::string> room_name(const RoomId& id) const;

  Rooms& rooms_;
  std::string dialect_;
  RoomIdOf room_id_;
  std::size_t capacity_;
  PutOut put_out_;
  MessageGuard* guard_ = nullptr;
  std::vector<TokenKey> token_keys_;
  std::unordered_map<SocketKey, Visitor> visitors_;
  std::unordered_map<PeerId, Place> places_;
  std::unordered_map<RoomId, std::pair<std::string, std::size_t>> names_;  // of rooms with memberships: name, how many
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::socketio
