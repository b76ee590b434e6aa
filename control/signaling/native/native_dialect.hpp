#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/json/json_view.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/message_guard.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/connections/connection_handler.hpp"
#include "control/signaling/connections/connection_sink.hpp"
#include "control/signaling/native/control_payload.hpp"
#include "control/signaling/connections/join_limit.hpp"
#include "control/signaling/native/outbox.hpp"
#include "control/signaling/native/signaling_options.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice {

class SfuSignaling;

/// The native client protocol (contract sections 2 to 9): one JSON object per message. Sans-I/O: connections and their
/// messages come in, messages and closes go out by a ConnectionSink. What rooms do reaches clients through facts, so it
/// does not matter who caused it: a client, the admin API, another dialect.
///
/// It has no deadlines of its own: Sessions has those of held peers. Construct it after Sessions, ControlState and Media,
/// and attach SfuSignaling to it.
class NativeDialect final : public ConnectionHandler {
 public:
  /// Raw JSON array for `room:joined.iceServers`, or nothing (contract section 14).
  using IceServers = std::function<std::optional<std::string>(const PeerId&, TimePoint now)>;

  /// All borrowed for life.
  NativeDialect(Rooms& rooms, Sessions& sessions, Bus& bus, ConnectionSink& sink, SignalingOptions options);
  ~NativeDialect() override;
  NativeDialect(const NativeDialect&) = delete;
  NativeDialect& operator=(const NativeDialect&) = delete;

  // --- from the transport layer
  void on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) override;
  /// Text and binary alike. Anything that is no JSON object is handled as the contract says; nothing throws.
  void on_message(ConnectionId connection, Bytes message, MessageKind kind, TimePoint now) override;
  void on_message(ConnectionId connection, Bytes message, TimePoint now) {
    on_message(connection, message, MessageKind::text, now);
  }
  /// The connection is gone, by whomever. Unknown ids (those that we closed) are ignored.
  void on_close(ConnectionId connection, TimePoint now) override;
  /// Closes every connection with 1001 `Server shutting down`; members stay as they are.
  void shut_down();

  // --- what may be attached, before the first connection
  void attach(ControlPayloadModule& module) { modules_.push_back(&module); }
  /// Takes what is addressed to `__sfu__`, and `__sfu` payloads.
  void attach_sfu(SfuSignaling& sfu);
  /// Asked for every connection and message; borrowed for life.
  void set_guard(MessageGuard& guard) { guard_ = &guard; }
  /// Numbers broadcasts and replays them on resume; borrowed for life.
  void set_recorder(BroadcastRecorder& recorder);
  [[nodiscard]] SfuSignaling* sfu() const noexcept { return sfu_; }
  void set_ice_servers(IceServers ice_servers) { ice_servers_ = std::move(ice_servers); }
  /// What was set, for dialects whose clients need them too; nothing without.
  [[nodiscard]] std::optional<std::string> ice_servers(const PeerId& peer, TimePoint now) const {
    return ice_servers_ ? ice_servers_(peer, now) : std::nullopt;
  }

  /// Messages to this dialect's peers, for modules.
  [[nodiscard]] Outbox& outbox() noexcept { return outbox_; }
  [[nodiscard]] std::size_t connection_count() const noexcept { return connections_.size(); }

 private:
  /// Where a connection is in the protocol; Peer::state() tells about the peer.
  enum class Phase : std::uint8_t {
    fresh,     // nothing but the first message is allowed: join or reconnect
    deciding,  // admission under way: messages wait
    joined,    // bound to a member
    outside,   // after `leave` or ROOM_FULL: another join is allowed, all else ignored
  };
  struct Connection {
    PeerId peer;
    Phase phase = Phase::fresh;
    std::deque<std::string> held;
    std::size_t held_bytes = 0;
    bool draining = false;
  };

  Connection* find(ConnectionId connection);
  void hold(ConnectionId id, Connection& connection, std::string_view text);
  void drain(ConnectionId id, TimePoint now);
  /// Whether the guard lets it pass; it answers for what it does not.
  bool passes(const PeerId& peer, const JsonView& value, TimePoint now);
  [[nodiscard]] GuardedMessage guarded(const JsonView& value) const;
  void handle(ConnectionId id, const JsonView& value, TimePoint now);
  void handle_first(ConnectionId id, const std::optional<JsonObject>& message, const std::string& type, TimePoint now);
  void join(ConnectionId id, const JsonObject& message, TimePoint now);
  void join_answered(ConnectionId id, const RoomId& room, const JoinOutcome& outcome, TimePoint now);
  void reconnect(ConnectionId id, const JsonObject& message, TimePoint now);
  void resume(ConnectionId id, const PeerId& member, std::string_view token, std::optional<std::int64_t> last_seen);
  void handle_member(ConnectionId id, const PeerId& peer, const JsonObject& message, const std::string& type, TimePoint now);
  void relay(const PeerId& from, const JsonObject& message, const std::string& type, std::string_view key, TimePoint now);
  void data(const PeerId& from, const JsonObject& message, TimePoint now);
  enum class Payload : std::uint8_t { application, relayed_control, consumed };
  /// Hands a payload to the modules concerned, and says what it is: `consumed` when the room is not to see it.
  Payload hand_over(const PeerId& from, const JsonView& payload, TimePoint now);
  void metadata(const PeerId& from, const JsonObject& message);
  void close(ConnectionId id, std::uint16_t code, std::string_view reason);
  void follow(Bus& bus);
  void tell_joined(const PeerJoined& fact);
  void tell_reconnected(const PeerReconnected& fact);
  void tell_metadata(const PeerMetadataChanged& fact);
  void tell_kicked(const PeerKicked& fact);
  void tell_data(const DataRelayed& fact);

  Rooms& rooms_;
  Sessions& sessions_;
  Bus& bus_;
  ConnectionSink& sink_;
  SignalingOptions options_;
  JoinLimit join_limit_;
  Outbox outbox_;
  SfuSignaling* sfu_ = nullptr;
  MessageGuard* guard_ = nullptr;
  BroadcastRecorder* recorder_ = nullptr;
  std::optional<std::int64_t> resumed_from_;  // lastSeenSeq of the resume under way
  std::vector<ControlPayloadModule*> modules_;
  IceServers ice_servers_;
  TimePoint now_{};  // of the last call: what facts that arise in it are stamped with
  std::unordered_map<ConnectionId, Connection> connections_;
  std::vector<Bus::Subscription> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late admission answers find out that this is gone
};

}  // namespace sluice
