#include "control/signaling/native/native_dialect.hpp"

#include <algorithm>
#include <utility>

#include "control/signaling/native/server_messages.hpp"
#include "control/signaling/native/sfu_signaling.hpp"
#include "control/signaling/room_names/room_names.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t going_away = 1001;  // RFC 6455 section 7.4.1
constexpr std::uint16_t policy_violation = 1008;

/// An object's members as metadata; nothing for other kinds and for objects that we would not interpret.
std::optional<Metadata> metadata_of(const std::optional<JsonView>& value) {
  const auto object = value ? JsonObject::of(*value) : std::nullopt;
  if (!object) return std::nullopt;
  Metadata metadata;
  for (const auto& [key, member] : object->members()) metadata.append(key, member.well_formed());
  return metadata;
}

}  // namespace

NativeDialect::NativeDialect(Rooms& rooms, Sessions& sessions, Bus& bus, ConnectionSink& sink, SignalingOptions options)
    : rooms_(rooms),
      sessions_(sessions),
      bus_(bus),
      sink_(sink),
      options_(options),
      join_limit_(options_.joins_per_second_max, options_.limit_exempt),
      outbox_(rooms, sessions, sink) {
  follow(bus);
}

NativeDialect::~NativeDialect() = default;

void NativeDialect::set_recorder(BroadcastRecorder& recorder) {
  recorder_ = &recorder;
  outbox_.set_recorder(recorder);
}

void NativeDialect::attach_sfu(SfuSignaling& sfu) {
  sfu_ = &sfu;
  attach(sfu);
}

// --- connections ----------------------------------------------------------------------------------------------------------

void NativeDialect::on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) {
  now_ = now;
  if (guard_ != nullptr) {
    if (const auto refused = guard_->refuse_connection(info.ip, now))
      return sink_.close(connection, policy_violation, *refused);
  }
  const PeerId peer = rooms_.connect(std::string(native_dialect_name), info.ip);
  connections_[connection].peer = peer;
  outbox_.bind(peer, connection);
  outbox_.send(peer, native::connected(peer));
}

void NativeDialect::on_message(ConnectionId connection, Bytes message, MessageKind, TimePoint now) {
  now_ = now;
  Connection* found = find(connection);
  if (found == nullptr) return;
  const auto value = JsonView::parse(as_text(message));
  if (!value) return;  // not JSON: ignored
  if (guard_ != nullptr) {
    const PeerId peer = found->peer;
    if (!passes(peer, *value, now)) return;
    found = find(connection);
    if (found == nullptr) return;
  }
  if (found->phase == Phase::deciding || found->draining) return hold(connection, *found, as_text(message));
  handle(connection, *value, now);
  drain(connection, now);  // what a decision inside handle() let through
}

void NativeDialect::on_close(ConnectionId connection, TimePoint now) {
  now_ = now;
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  const PeerId peer = found->second.peer;
  connections_.erase(found);
  outbox_.unbind(peer);
  const Peer* known = rooms_.find_peer(peer);
  if (known == nullptr) return;
  if (known->room()) {
    sessions_.drop(peer, now);
  } else {
    rooms_.discard(peer);  // an admission under way is void
  }
}

void NativeDialect::shut_down() {
  for (const auto& [id, connection] : std::exchange(connections_, {})) {
    outbox_.unbind(connection.peer);
    sink_.close(id, going_away, "Server shutting down");
  }
}

NativeDialect::Connection* NativeDialect::find(ConnectionId connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : &found->second;
}

/// Forgets the connection before its peer's fate is decided: what happens to the peer then reaches nobody.
void NativeDialect::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  outbox_.unbind(found->second.peer);
  connections_.erase(found);
  sink_.close(id, code, close_frame_reason(reason));
}

// --- waiting for admission ------------------------------------------------------------------------------------------------

void NativeDialect::hold(ConnectionId id, Connection& connection, std::string_view text) {
  if (connection.held.size() >= options_.held_messages_max ||
      text.size() > options_.held_bytes_max - connection.held_bytes) {
    const PeerId peer = connection.peer;
    close(id, policy_violation, "Rate limited");
    return rooms_.discard(peer);
  }
  connection.held_bytes += text.size();
  connection.held.emplace_back(text);
}

void NativeDialect::drain(ConnectionId id, TimePoint now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->draining) return;
  connection->draining = true;
  // Looked up anew each time: a message may close the connection.
  while (connection != nullptr && connection->phase != Phase::deciding && !connection->held.empty()) {
    const std::string text = std::move(connection->held.front());
    connection->held.pop_front();
    connection->held_bytes -= text.size();
    if (const auto value = JsonView::parse(text)) handle(id, *value, now);
    connection = find(id);
  }
  if (connection != nullptr) connection->draining = false;
}

// --- one message ----------------------------------------------------------------------------------------------------------

bool NativeDialect::passes(const PeerId& peer, const JsonView& value, TimePoint now) {
  switch (guard_->check(peer, guarded(value), now)) {
    case GuardVerdict::pass:
      return true;
    case GuardVerdict::drop_and_tell:
      outbox_.send(peer, native::error_text("RATE_LIMITED", "Too many messages. Slow down."));
      return false;
    case GuardVerdict::drop:
    case GuardVerdict::ended:
      break;
  }
  return false;
}

GuardedMessage NativeDialect::guarded(const JsonView& value) const {
  GuardedMessage result;
  const auto message = JsonObject::of(value);
  const std::string type = message ? message->text("type").value_or("") : "";
  if (type == "join" || type == "reconnect") {
    result.request = ClientRequest::join;
  } else if (type == "offer" || type == "answer") {
    result.request = ClientRequest::sdp;
    result.to_server = message->text("target") == sfu_peer_id;
  } else if (type == "ice-candidate") {
    result.request = ClientRequest::candidate;
  } else if (type == "metadata") {
    result.request = ClientRequest::metadata;
    if (const auto patch = message->find("patch")) result.bytes = patch->raw().size();
  } else if (type == "data") {
    result.request = ClientRequest::data;
    if (const auto payload = message->find("payload")) {
      result.bytes = payload->raw().size();
      result.to_server =
          payload->kind() == JsonKind::object &&
          std::any_of(modules_.begin(), modules_.end(), [&](const ControlPayloadModule* module) {
            return payload->raw().find('"' + std::string(module->discriminator()) + '"') != std::string_view::npos;
          });
    }
    result.to_all = !result.to_server && !message->truthy("target");
  }
  return result;
}

void NativeDialect::handle(ConnectionId id, const JsonView& value, TimePoint now) {
  const auto message = JsonObject::of(value);
  if (!message && value.kind() == JsonKind::object) return;  // a key twice, or too many members
  const std::string type = message ? message->text("type").value_or("") : "";
  const Connection& connection = *find(id);
  switch (connection.phase) {
    case Phase::fresh:
      return handle_first(id, message, type, now);
    case Phase::outside:
      if (type == "join") join(id, *message, now);
      return;
    case Phase::joined: {
      const PeerId peer = connection.peer;
      if (message) handle_member(id, peer, *message, type, now);
      return;
    }
    case Phase::deciding:
      return;  // held before it came here
  }
}

void NativeDialect::handle_first(ConnectionId id, const std::optional<JsonObject>& message, const std::string& type,
                                 TimePoint now) {
  if (type == "join") return join(id, *message, now);
  if (type == "reconnect") return reconnect(id, *message, now);
  const PeerId peer = find(id)->peer;
  outbox_.send(peer, native::error_text("MUST_JOIN_FIRST", "The first message must be join or reconnect"));
  close(id, policy_violation, "Protocol violation");
  rooms_.discard(peer);
}

void NativeDialect::join(ConnectionId id, const JsonObject& message, TimePoint now) {
  Connection& connection = *find(id);
  if (rooms_.find_peer(connection.peer)->joining()) return;  // an operator is putting it into a room
  if (!join_limit_.admit(rooms_.find_peer(connection.peer)->ip(), now)) {
    return outbox_.send(connection.peer,
                        native::error_text("RATE_LIMITED", "Too many joins from this address; try again in a second"));
  }
  connection.phase = Phase::deciding;
  const auto room_value = message.find("roomId");
  const RoomId room = plain_room_id(room_value ? room_value->as_string().value_or("") : "");
  const Metadata metadata = metadata_of(message.find("metadata")).value_or(Metadata{});
  const PeerId peer = connection.peer;
  rooms_.join(peer, room, metadata, now,
              [this, alive = std::weak_ptr<bool>(alive_), id, room](const JoinOutcome& outcome, TimePoint answered) {
                if (!alive.expired()) join_answered(id, room, outcome, answered);
              });
}

void NativeDialect::join_answered(ConnectionId id, const RoomId& room, const JoinOutcome& outcome, TimePoint now) {
  now_ = now;
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (outcome) {
    connection->phase = Phase::joined;
    return drain(id, now);
  }
  const JoinRefusal& refusal = outcome.error();
  JsonWriter error = native::error(refusal.code);
  if (!refusal.message.empty()) error.string("message", refusal.message);
  const bool names_room = refusal.kind == JoinRefusal::Kind::room_not_found || refusal.kind == JoinRefusal::Kind::room_full;
  if (names_room) error.string("roomId", plain_room_name(room));
  outbox_.send(connection->peer, error.finish());
  if (!refusal.keeps_peer()) return close(id, policy_violation, refusal.close_reason);
  connection->phase = Phase::outside;
  drain(id, now);
}

// --- resuming
// ---------------------------------------------------------------------------------------------------------------

void NativeDialect::reconnect(ConnectionId id, const JsonObject& message, TimePoint now) {
  const auto token = message.text("token");
  if (!token) return join(id, message, now);
  const PeerId newcomer = find(id)->peer;
  const auto member = sessions_.holder(*token);
  const Peer* found = member ? rooms_.find_peer(*member) : nullptr;
  const auto wanted_name = message.text("roomId");
  const auto wanted = wanted_name ? std::optional(plain_room_id(*wanted_name)) : std::nullopt;
  // A token is for the room of its holder; another room that exists is not its business, and one that does not is gone.
  const bool elsewhere = found != nullptr && wanted && found->room() != *wanted;
  const bool good = found != nullptr && !elsewhere && found->dialect() == native_dialect_name;
  std::optional<RoomId> room;
  if (found != nullptr) room = found->room();
  if (!room && wanted) room = *wanted;
  bus_.publish(ResumeAttempted{good, room});
  if (elsewhere && rooms_.find_room(*wanted) == nullptr) {
    outbox_.send(newcomer, native::error_text("ROOM_GONE", "The room no longer exists"));
    return join(id, message, now);
  }
  if (!good) {
    outbox_.send(newcomer,
                 native::error_text("RECONNECT_TOKEN_INVALID", "The reconnect token is unknown or was used already"));
    return join(id, message, now);
  }
  const auto last_seen = message.find("lastSeenSeq");
  resume(id, *member, *token, last_seen ? last_seen->as_integer() : std::nullopt);
}

void NativeDialect::resume(ConnectionId id, const PeerId& member, std::string_view token,
                           std::optional<std::int64_t> last_seen) {
  if (const auto old = outbox_.connection_of(member)) close(*old, policy_violation, "Resumed on another connection");
  const PeerId throw_away = std::exchange(find(id)->peer, member);
  outbox_.unbind(throw_away);
  outbox_.bind(member, id);
  find(id)->phase = Phase::joined;
  rooms_.discard(throw_away);
  const auto resumption = sessions_.resume(token);
  const bool replays = last_seen && recorder_ != nullptr && recorder_->replays_on_resume();
  for (const SharedText& text : resumption->queued) {
    // What the envelope holds is not told twice.
    if (!replays || !recorder_->numbered(*text)) outbox_.send(member, text);
  }
  resumed_from_ = replays ? last_seen : std::nullopt;
  rooms_.resume(member);  // PeerReconnected: room:state to the client, peer:reconnected to the others
}

}  // namespace sluice
