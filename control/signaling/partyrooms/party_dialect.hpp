#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
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
#include "control/signaling/partyrooms/party_options.hpp"
#include "control/signaling/partyrooms/party_url.hpp"
#include "control/signaling/room_names/room_names.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

/// PartyKit rooms as @substrate-system/webrtc uses them (contract partyroom, section 3): whoever connects is in the room,
/// everybody learns of the others by lists of ids, and whatever somebody sends goes to all others as it is. Sans-I/O.
///
/// Each connection is a member of the core's room. Several may have the same id (a client that reconnects before its loss
/// was noticed): then the id is listed once, and nobody is told of the second connection.
class PartyDialect final : public ConnectionHandler {
 public:
  /// All but the options are borrowed for life.
  PartyDialect(Rooms& rooms, Bus& bus, ConnectionSink& sink, const RoomNames& names, Entropy& entropy, PartyOptions options);
  PartyDialect(const PartyDialect&) = delete;
  PartyDialect& operator=(const PartyDialect&) = delete;

  void on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) override;
  void on_message(ConnectionId connection, Bytes message, MessageKind kind, TimePoint now) override;
  void on_close(ConnectionId connection, TimePoint now) override;
  /// The connection with what read_party_url() made of its request.
  void open(ConnectionId connection, const PartyUrl& url, std::string ip, TimePoint now);

  /// Asked for every connection and message; borrowed for life. Before the first connection.
  void set_guard(MessageGuard& guard) { guard_ = &guard; }
  /// For connections that are opened from now on, as in the options.
  void set_token_metadata_keys(std::vector<std::string> keys) { options_.token_metadata_keys = std::move(keys); }
  /// Members that a predecessor of this process left behind: their clients connect anew.
  void restored();

  [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }

 private:
  struct Message {
    SharedText bytes;
    MessageKind kind = MessageKind::text;
  };
  struct Connection {
    PeerId core;
    std::string id;  // `_pk`, or made here
    RoomId room;
    bool joined = false;
    std::deque<Message> held;  // until admission
    std::size_t held_bytes = 0;
  };
  struct Member {
    ConnectionId connection;
    std::string id;
  };

  [[nodiscard]] Connection* find(ConnectionId id);
  void join_answered(ConnectionId id, const JoinOutcome& outcome);
  void hold(ConnectionId id, Connection& connection, Bytes message, MessageKind kind);
  void broadcast(const Connection& from, const Message& message);
  void close(ConnectionId id, std::uint16_t code, std::string_view reason);

  void follow(Bus& bus);
  void tell_joined(const PeerJoined& fact);
  void tell_left(const PeerLeft& fact);
  void tell_kicked(const PeerKicked& fact);
  void tell_data(const DataRelayed& fact);
  /// The ids of a room in join order, each once.
  [[nodiscard]] std::vector<std::string> ids_in(const RoomId& room) const;
  [[nodiscard]] std::string wire_id(const PeerId& core) const;
  [[nodiscard]] bool has_other_member(const RoomId& room, const PeerId& except, std::string_view id) const;
  /// Sends their list to all our members of the room except one id.
  void send_lists(const RoomId& room, std::string_view except);
  void send_list(ConnectionId to, const std::vector<std::string>& ids, std::string_view own);
  void deliver(ConnectionId to, const Message& message);

  Rooms& rooms_;
  ConnectionSink& sink_;
  const RoomNames& names_;
  Entropy& entropy_;
  MessageGuard* guard_ = nullptr;
  PartyOptions options_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::unordered_map<PeerId, Member> members_;  // every peer of ours until the core has forgotten it
  std::vector<Bus::Subscription> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late admission answers find out that this is gone
};

}  // namespace sluice
