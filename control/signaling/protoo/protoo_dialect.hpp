#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/message_guard.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/connections/connection_handler.hpp"
#include "control/signaling/connections/connection_sink.hpp"
#include "control/signaling/protoo/pending_requests.hpp"
#include "control/signaling/protoo/protoo_message.hpp"
#include "control/signaling/protoo/protoo_options.hpp"
#include "control/signaling/protoo/protoo_url.hpp"
#include "control/signaling/room_names/room_names.hpp"

namespace sluice {

/// protoo with its default application (contract protoo): requests, responses and notifications between clients and server,
/// in rooms. Sans-I/O: connections and their messages come in, messages and closes go out by a ConnectionSink; what happens
/// in rooms reaches clients through facts of the core, so members of bridged dialects are peers like any others.
///
/// A connection is a peer of the core from its opening, and a member of its room from `join` to its end. Before, it only
/// occupies its peer id; others do not see it.
class ProtooDialect final : public ConnectionHandler {
 public:
  /// All but the options are borrowed for life. `unix_ms` makes the ids of clients that bring none.
  ProtooDialect(Rooms& rooms, Bus& bus, ConnectionSink& sink, const RoomNames& names, ProtooOptions options,
                std::function<std::int64_t(TimePoint)> unix_ms);
  ProtooDialect(const ProtooDialect&) = delete;
  ProtooDialect& operator=(const ProtooDialect&) = delete;

  // --- from the transport layer
  void on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) override;
  void on_message(ConnectionId connection, Bytes message, MessageKind kind, TimePoint now) override;
  void on_pong(ConnectionId connection, TimePoint now) override;
  void on_close(ConnectionId connection, TimePoint now) override;
  /// The connection with what decide_protoo_upgrade() made of its request.
  void open(ConnectionId connection, const ProtooUrl& url, std::string ip, TimePoint now);

  /// Asked for every connection and message; borrowed for life. Before the first connection.
  void set_guard(MessageGuard& guard) { guard_ = &guard; }
  /// What joins show and who closes rooms from now on, as in the options.
  void set_token_metadata_keys(std::vector<std::string> keys, bool anybody_closes_rooms) {
    options_.token_metadata_keys = std::move(keys);
    options_.anybody_closes_rooms = anybody_closes_rooms;
  }
  /// Members that a predecessor of this process left behind cannot come back: clients connect and join anew.
  void restored();
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;

  /// Sends a request to a joined peer; `reply` is called once, later. False, and no call, when there is no such peer in the
  /// room or too many requests wait for it.
  bool request(const RoomId& room, std::string_view peer, std::string_view method, std::string_view data,
               protoo::PendingRequests::Reply reply, TimePoint now);

  [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }

 private:
  enum class Phase : std::uint8_t {
    open,     // messages are handled as they come
    probing,  // the peer id is in use, its holder has been asked for a sign of life; messages wait
    joining,  // admission under way; messages wait
    joined,   // a member of the core's room
  };
  struct Connection {
    PeerId core;
    std::string ip;
    std::string peer;                 // the peer id of this dialect
    std::optional<std::string> room;  // as clients call it; the peer id is taken there, unless `probing`
    std::string token;
    Phase phase = Phase::open;
    std::optional<std::string> probed_request;  // id of the joinRoom that waits for a probe; none: the opening does
    Phase phase_before_probe = Phase::open;
    std::optional<std::string> display_name;  // raw JSON, as others last heard of it
    std::deque<std::string> held;
    std::size_t held_bytes = 0;
    bool draining = false;
    protoo::PendingRequests pending;
    TimePoint pending_deadline = never;  // as entered in deadlines_
  };
  struct Probe {
    ConnectionId incumbent;
    TimePoint deadline;
    std::vector<ConnectionId> newcomers;  // in the order in which they came
  };
  struct Place {
    std::string room;  // as clients call it
    std::string peer;
  };
  struct PlaceView {
    std::string_view room;
    std::string_view peer;
  };
  struct PlaceLess {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const noexcept {
      const int rooms = std::string_view(a.room).compare(b.room);
      return rooms != 0 ? rooms < 0 : std::string_view(a.peer) < std::string_view(b.peer);
    }
  };
  struct Name {
    ConnectionId connection;
    std::string peer;
  };

  [[nodiscard]] Connection* find(ConnectionId id);
  /// The joined connection of a peer of the asker's room.
  [[nodiscard]] std::optional<ConnectionId> joined_peer(const Connection& asker, std::string_view peer);
  /// What this dialect's clients call a member; for other dialects' members, the core's id. Lives as long as `core` and the
  /// member.
  [[nodiscard]] std::string_view wire_id(const PeerId& core) const;
  [[nodiscard]] std::string peer_json(const PeerId& core) const;

  // --- entering and going
  void connect_to_core(ConnectionId id, Connection& connection);
  void enter(ConnectionId id, const std::string& room, std::optional<std::string> request, TimePoint now);
  void take_place(ConnectionId id, const std::string& room, const std::optional<std::string>& request, TimePoint now);
  void leave_place(ConnectionId id, Connection& connection);
  void probe(ConnectionId id, const Place& place, ConnectionId incumbent, std::optional<std::string> request, TimePoint now);
  void refuse_duplicate(ConnectionId id, TimePoint now);
  void end_probe(const Place& place, bool alive, TimePoint now);
  void forget_probes_of(ConnectionId id);
  /// Ends a connection from our side. CoreKnows::yes when the core is removing the member itself.
  enum class CoreKnows : std::uint8_t { no, yes };
  void close(ConnectionId id, std::uint16_t code, std::string_view reason, CoreKnows core_knows = CoreKnows::no);
  void gone(ConnectionId id, CoreKnows core_knows);
  /// Closes every connection of a room, members or not, without a word to the core about members.
  void close_all_of(const std::string& room);
  [[nodiscard]] std::vector<ConnectionId> connections_of(const std::string& room) const;

  // --- messages
  /// Whether the guard lets a message pass; it answers for what it does not.
  bool passes(ConnectionId id, std::string_view text, TimePoint now);
  void hold(ConnectionId id, Connection& connection, std::string_view text);
  void drain(ConnectionId id, TimePoint now);
  void handle(ConnectionId id, std::string_view text, TimePoint now);
  void handle_request(ConnectionId id, const protoo::Request& request, TimePoint now);
  void handle_notification(Connection& connection, const protoo::Notification& notification);
  void join_room(ConnectionId id, const protoo::Request& request, TimePoint now);
  void join(ConnectionId id, const protoo::Request& request, TimePoint now);
  void join_answered(ConnectionId id, const std::string& request, const JoinOutcome& outcome, TimePoint now);
  void change_display_name(ConnectionId id, const protoo::Request& request);
  void relay(ConnectionId id, const protoo::Request& request);
  void ask_peer(ConnectionId id, const protoo::Request& request, TimePoint now);
  void request_close_room(ConnectionId id, const protoo::Request& request, TimePoint now);
  [[nodiscard]] bool may_close_room(const Connection& connection) const;
  void enter_deadline(ConnectionId id, Connection& connection);

  void send(ConnectionId id, std::string text);
  void succeed(ConnectionId id, std::string_view request, std::string_view data = "{}");
  void fail(ConnectionId id, std::string_view request, int code, std::string_view reason);

  // --- facts
  void follow(Bus& bus);
  void tell_kicked(const PeerKicked& fact);
  void tell_metadata(const PeerMetadataChanged& fact);
  void tell_data(const DataRelayed& fact);
  void broadcast(const RoomId& room, const std::string& text, const PeerId* except);
  static std::string posted_notification(const std::string& message);

  Rooms& rooms_;
  ConnectionSink& sink_;
  const RoomNames& names_;
  MessageGuard* guard_ = nullptr;
  ProtooOptions options_;
  std::function<std::int64_t(TimePoint)> unix_ms_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::map<Place, ConnectionId, PlaceLess> places_;  // who holds a peer id in a room, joined or not
  std::unordered_map<PeerId, Name> members_;         // every peer of ours until the core has forgotten it
  std::map<Place, Probe, PlaceLess> probes_;
  std::map<std::string, TimePoint> closing_;  // rooms that are about to close
  std::set<std::pair<TimePoint, ConnectionId>> deadlines_;
  std::int64_t last_made_id_ = 0;
  TimePoint now_{};  // of the last call
  std::vector<Bus::Subscription> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late admission answers find out that this is gone
};

}  // namespace sluice
