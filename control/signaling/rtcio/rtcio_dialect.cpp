#include "control/signaling/rtcio/rtcio_dialect.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "control/json/json_writer.hpp"

namespace sluice {

using socketio::EventText;
using socketio::SocketKey;

namespace {

std::optional<JsonObject> object_of(const socketio::Event& event) {
  return event.arguments.empty() ? std::nullopt : JsonObject::of(event.arguments.front());
}

/// Whether an envelope is part of setting up media: a description, a candidate, or the question for a stream's metadata.
/// What holds anything beside these is application data.
bool is_negotiation(const JsonObject& envelope) {
  const auto data = envelope.find("data");
  const auto object = data ? JsonObject::of(*data) : std::nullopt;
  if (!object || object->members().empty()) return false;
  return std::all_of(object->members().begin(), object->members().end(), [](const JsonObject::Member& member) {
    return member.first == "description" || member.first == "candidate" || member.first == "mid";
  });
}

/// What a guard is told of an event. Envelopes are told apart by what rtc.io puts first in their data.
GuardedMessage guarded(const socketio::Event& event) {
  GuardedMessage message;
  if (!event.arguments.empty()) message.bytes = event.arguments.front().raw().size();
  if (event.name == "join-room") {
    message.request = ClientRequest::join;
  } else if (event.name == "#rtcio:message") {
    const std::string_view raw = event.arguments.empty() ? std::string_view{} : event.arguments.front().raw();
    message.request = raw.find("\"description\"") != std::string_view::npos ? ClientRequest::sdp
                      : raw.find("\"candidate\"") != std::string_view::npos ? ClientRequest::candidate
                                                                            : ClientRequest::data;
  } else {
    message.request = ClientRequest::data;
    message.to_all = true;
  }
  return message;
}

std::string id_object(std::string_view key, std::string_view id) {
  return JsonWriter().string(key, id).finish();
}

}  // namespace

RtcioDialect::RtcioDialect(socketio::SocketServer& server, socketio::Endpoint& endpoint, Rooms& rooms, Bus& bus,
                           socketio::Memberships::RoomIdOf room_id, RtcioOptions options)
    : server_(server),
      endpoint_(endpoint),
      options_(options),
      memberships_(
          rooms, bus, std::string(rtcio_dialect_name), std::move(room_id), options.members_per_room_max,
          [this](SocketKey socket, const PeerKicked&) { server_.disconnect(socket, now_); },
          [this](const std::string& room, std::optional<SocketKey> socket, std::string_view name, const std::string& json) {
            EventText event(name);
            event.argument(json);
            socket ? server_.emit(*socket, event, now_) : server_.broadcast(endpoint_, room, event, {}, now_);
          }) {}

// --- connections ----------------------------------------------------------------------------------------------------------

socketio::ConnectDecision RtcioDialect::connect(const socketio::ConnectRequest&, TimePoint) {
  return socketio::ConnectAccepted{};
}

void RtcioDialect::on_connect(SocketKey socket, const socketio::ConnectRequest& request, TimePoint now) {
  now_ = now;
  members_[socket];
  memberships_.enter(socket, request.ip);
  memberships_.present(socket, request.auth);
}

std::string RtcioDialect::save(SocketKey socket) const {
  const auto found = members_.find(socket);
  JsonWriter saved;
  if (found != members_.end() && found->second.name) saved.raw("name", *found->second.name);
  return saved.raw("tokens", memberships_.presented(socket)).finish();
}

void RtcioDialect::on_recover(SocketKey socket, const socketio::ConnectRequest& request, std::string_view data,
                              TimePoint now) {
  now_ = now;
  Member& member = members_[socket];
  memberships_.enter(socket, request.ip);
  if (const auto saved = JsonView::parse(data)) {
    const auto [name, tokens] = saved->pick(std::array<std::string_view, 2>{"name", "tokens"});
    if (name) member.name = name->raw();
    if (tokens) memberships_.present(socket, *tokens);
  }
  memberships_.present(socket, request.auth);
  Metadata metadata;
  if (member.name) metadata.set("name", *member.name);
  // Its rooms are back already; the core is asked again, because what it forbids may have changed meanwhile.
  for (const auto& room : endpoint_.rooms.rooms_of(socket)) {
    rooms_[*room];
    memberships_.join(socket, *room, metadata, now, [this, socket](const JoinOutcome& outcome, TimePoint answered) {
      if (!outcome) server_.disconnect(socket, answered);
    });
  }
}

void RtcioDialect::on_disconnecting(SocketKey socket, socketio::DisconnectReason reason, TimePoint now) {
  now_ = now;
  for (const auto& room : endpoint_.rooms.rooms_of(socket)) {
    tell_left(socket, *room, now);
    const auto state = rooms_.find(*room);
    if (state == rooms_.end()) continue;
    state->second.media.erase(socket);
    if (endpoint_.rooms.members(*room).size() <= 1) rooms_.erase(state);  // the leaver is still a member
  }
  members_.erase(socket);
  memberships_.leave_all(socket,
                         reason == socketio::DisconnectReason::connection_lost ? LeaveCause::dropped : LeaveCause::left);
}

void RtcioDialect::tell_left(SocketKey socket, const std::string& room, TimePoint now) {
  const std::string who = id_object("id", server_.id(socket));
  server_.broadcast(endpoint_, room, EventText("#rtcio:peer-left").argument(who), socket, now);
  server_.broadcast(endpoint_, room, EventText("user-disconnected").argument(who), socket, now);
}

// --- events ---------------------------------------------------------------------------------------------------------------

void RtcioDialect::on_event(SocketKey socket, const socketio::Event& event, TimePoint now) {
  now_ = now;
  if (!memberships_.passes(socket, guarded(event), now)) return;
  if (event.name == "#rtcio:message") return relay(socket, event, now);
  if (event.name == "join-room") return join(socket, event, now);
  if (event.name == "check-room") return check(socket, event, now);
  if (event.name == "chat-message" || event.name == "stopScreenShare" || event.name == "media-state")
    return pass_on(socket, event, now);
}

bool RtcioDialect::within_budget(SocketKey socket, TimePoint now) {
  const auto verdict = members_[socket].budget.spend(options_.messages_per_second_max, now);
  if (verdict == MessageBudget::Verdict::relay) return true;
  ++statistics_.dropped_over_limit;
  if (verdict == MessageBudget::Verdict::disconnect) {
    ++statistics_.flooders_disconnected;
    server_.disconnect(socket, now);
  }
  return false;
}

void RtcioDialect::relay(SocketKey socket, const socketio::Event& event, TimePoint now) {
  if (!within_budget(socket, now)) return;
  const auto envelope = object_of(event);
  if (!envelope) {
    ++statistics_.dropped_malformed;
    return;
  }
  const std::string& own = server_.id(socket);
  const auto target = envelope->text("target");
  if (!target || *target == own) {
    ++statistics_.dropped_no_target;
    return;
  }
  const auto source = envelope->text("source");
  if (source && *source != own && server_.find(endpoint_, *source)) {
    ++statistics_.dropped_forged;
    return;
  }
  if (!is_negotiation(*envelope) && !memberships_.may_send_data(socket)) {
    ++statistics_.dropped_not_allowed;
    return;
  }
  if (options_.require_shared_room) {
    const auto peer = server_.find(endpoint_, *target);
    bool shared = false;
    for (const auto& room : endpoint_.rooms.rooms_of(socket))
      shared = shared || (peer && endpoint_.rooms.is_member(*peer, *room));
    if (!shared) {
      ++statistics_.dropped_no_target;
      return;
    }
  }
  EventText message("#rtcio:message");
  message.relayed(event.arguments.front().raw(), event.attachments);
  ++(server_.emit_to_id(endpoint_, *target, message, now) ? statistics_.relayed : statistics_.dropped_no_target);
}

std::optional<std::string> RtcioDialect::room_of(const std::optional<JsonObject>& object) const {
  auto room = object ? object->text("roomId") : std::nullopt;
  if (room && room->size() > options_.room_id_bytes_max) return std::nullopt;
  return room;
}

std::optional<std::string_view> RtcioDialect::refusal(const std::string& room, const RoomPassword& password) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end() || found->second.password.empty()) return std::nullopt;
  if (password.empty()) return "password-required";
  if (!found->second.password.matches(password)) return "wrong-password";
  return std::nullopt;
}

void RtcioDialect::join_error(SocketKey socket, std::string_view reason, const std::optional<JsonView>& room_id,
                              TimePoint now) {
  JsonWriter error;
  error.string("reason", reason);
  if (room_id) error.raw("roomId", room_id->raw());
  server_.emit(socket, EventText("join-error").argument(error.finish()), now);
}

void RtcioDialect::join_error(SocketKey socket, std::string_view reason, std::string_view room, TimePoint now) {
  server_.emit(socket,
               EventText("join-error").argument(JsonWriter().string("reason", reason).string("roomId", room).finish()), now);
}

void RtcioDialect::check(SocketKey socket, const socketio::Event& event, TimePoint now) {
  const auto object = object_of(event);
  const auto room = room_of(object);
  if (!room) return join_error(socket, "invalid-room", object ? object->find("roomId") : std::nullopt, now);
  if (const auto reason = refusal(*room, RoomPassword(object->find("password"))))
    return join_error(socket, *reason, *room, now);
  const auto found = rooms_.find(*room);
  JsonWriter answer;
  answer.string("roomId", *room).boolean("passwordRequired", found != rooms_.end() && !found->second.password.empty());
  server_.emit(socket, EventText("room-check-ok").argument(answer.finish()), now);
}

// --- joining --------------------------------------------------------------------------------------------------------------

void RtcioDialect::join(SocketKey socket, const socketio::Event& event, TimePoint now) {
  const auto object = object_of(event);
  const auto room = room_of(object);
  if (!room) return join_error(socket, "invalid-room", object ? object->find("roomId") : std::nullopt, now);
  const RoomPassword password(object->find("password"));
  if (const auto reason = refusal(*room, password)) return join_error(socket, *reason, *room, now);
  Member& member = members_[socket];
  const auto name = event.attachments.empty() ? object->find("name") : std::nullopt;  // a name is text, not binary
  member.name.reset();
  if (name && name->raw().size() <= options_.name_bytes_max) member.name = name->raw();
  if (endpoint_.rooms.is_member(socket, *room)) return joined(socket, *room, password, now);
  if (memberships_.has(socket, *room)) return;  // admission is under way
  if (memberships_.count(socket) >= options_.rooms_per_socket_max) return join_error(socket, "too-many-rooms", *room, now);
  if (endpoint_.rooms.members(*room).size() >= options_.members_per_room_max)
    return join_error(socket, "room-full", *room, now);
  Metadata metadata;
  if (member.name) metadata.set("name", *member.name);
  memberships_.present(socket, event.arguments.front());
  memberships_.join(socket, *room, metadata, now,
                    [this, socket, room = *room, password](const JoinOutcome& outcome, TimePoint answered) {
                      now_ = answered;
                      if (outcome) return joined(socket, room, password, answered);
                      const bool full = outcome.error().kind == JoinRefusal::Kind::room_full;
                      JsonWriter error;
                      error.string("reason", full ? "room-full" : "rejected").string("roomId", room);
                      if (!outcome.error().message.empty()) error.string("message", outcome.error().message);
                      server_.emit(socket, EventText("join-error").argument(error.finish()), answered);
                    });
}

std::string RtcioDialect::user_connected(SocketKey socket) const {
  JsonWriter user;
  const auto found = members_.find(socket);
  if (found != members_.end() && found->second.name) user.raw("name", *found->second.name);
  return user.string("id", server_.id(socket)).finish();
}

void RtcioDialect::joined(SocketKey socket, const std::string& room, const RoomPassword& password, TimePoint now) {
  if (!server_.connected(socket)) return;
  if (const auto reason = refusal(room, password); reason && !endpoint_.rooms.is_member(socket, room)) {
    // Somebody else came first while the core decided, and set a password.
    memberships_.leave(socket, room, LeaveCause::left);
    return join_error(socket, *reason, room, now);
  }
  RoomState& state = rooms_[room];
  const auto in_it = endpoint_.rooms.members(room);
  const std::vector<SocketKey> others(in_it.begin(), in_it.end());
  if (others.empty()) state.password = password;
  for (const SocketKey other : others) {
    if (other == socket) continue;
    server_.emit(socket, EventText("user-connected").argument(user_connected(other)), now);
    const auto media = state.media.find(other);
    if (media == state.media.end()) continue;
    JsonWriter published;
    published.string("id", server_.id(other)).string("roomId", room);
    published.boolean("mic", media->second.mic).boolean("cam", media->second.cam);
    server_.emit(socket, EventText("media-state").argument(published.finish()), now);
  }
  if (!server_.connected(socket)) return;  // its queue overflowed
  endpoint_.rooms.join(socket, room);
  server_.emit(socket, EventText("join-ok").argument(id_object("roomId", room)), now);
  server_.broadcast(endpoint_, room, EventText("user-connected").argument(user_connected(socket)), socket, now);
  // The client takes the second argument for its options. Recovery's offset there would make both sides impolite, so that
  // they dead-lock when both renegotiate (contract section 3).
  EventText init_offer("#rtcio:init-offer");
  init_offer.argument(id_object("source", server_.id(socket))).argument(R"({"polite":true})");
  server_.broadcast(endpoint_, room, init_offer, socket, now);
}

// --- what is passed on to the others of a room ----------------------------------------------------------------------------

void RtcioDialect::pass_on(SocketKey socket, const socketio::Event& event, TimePoint now) {
  if (!within_budget(socket, now)) return;
  const auto object = object_of(event);
  const auto room = room_of(object);
  if (!room || !endpoint_.rooms.is_member(socket, *room)) {
    ++statistics_.dropped_malformed;
    return;
  }
  if (!memberships_.may_send_data(socket, *room)) {
    ++statistics_.dropped_not_allowed;
    return;
  }
  if (event.name == "media-state") remember_media(socket, *room, *object);
  EventText message(event.name);
  message.relayed(event.arguments.front().raw(), event.attachments);
  server_.broadcast(endpoint_, *room, message, socket, now);
}

void RtcioDialect::remember_media(SocketKey socket, const std::string& room, const JsonObject& state) {
  const auto mic = state.find("mic");
  const auto cam = state.find("cam");
  if (!mic || !cam || mic->kind() != JsonKind::boolean || cam->kind() != JsonKind::boolean) return;
  rooms_[room].media[socket] = {mic->truthy(), cam->truthy()};
}

}  // namespace sluice
