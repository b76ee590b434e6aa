// What clients of protoo ask for (contract protoo, section 8).
#include <algorithm>
#include <array>
#include <memory>

#include "control/json/json_writer.hpp"
#include "control/signaling/protoo/protoo_dialect.hpp"

namespace sluice {
namespace {

using protoo::Notification;
using protoo::Request;
using protoo::Response;

constexpr int bad_request = 400;
constexpr int forbidden = 403;
constexpr int not_found = 404;
constexpr int too_many_requests = 429;
constexpr int internal_error = 500;
constexpr int unavailable = 503;
constexpr int gateway_timeout = 504;
constexpr std::uint16_t closed_by_server = 4000;
constexpr std::string_view closed_by_server_reason = "closed by protoo-server";
constexpr std::string_view not_yet_joined = "Error: Peer not yet joined";
constexpr std::string_view data_not_allowed = "POLICY_DENIED: data";

std::optional<JsonView> member(const JsonView& data, std::string_view key) {
  return data.pick(std::array<std::string_view, 1>{key})[0];
}

/// What JavaScript's template literals make of a value; of objects the JSON text.
std::string as_javascript_text(const std::optional<JsonView>& value) {
  if (!value) return "undefined";
  return value->as_string().value_or(std::string(value->raw()));
}

/// What a message means to limits and detectors.
GuardedMessage guarded(const protoo::Message& message) {
  if (const auto* notification = std::get_if<Notification>(&message))
    return {ClientRequest::data, notification->data.raw().size(), false, true};
  const auto* request = std::get_if<Request>(&message);
  if (request == nullptr) return {};
  const std::size_t bytes = request->data.raw().size();
  if (request->method == "join") return {ClientRequest::join, 0, false, false};
  if (request->method == "changeDisplayName") return {ClientRequest::metadata, bytes, false, false};
  if (request->method == "relay" || request->method == "askPeer") return {ClientRequest::data, bytes, false, false};
  return {};
}

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

void ProtooDialect::handle(ConnectionId id, std::string_view text, TimePoint now) {
  const auto message = protoo::parse(text);
  if (!message) return;  // ignored, says the protocol
  Connection& connection = *find(id);
  if (const auto* request = std::get_if<Request>(&*message)) {
    handle_request(id, *request, now);
  } else if (const auto* response = std::get_if<Response>(&*message)) {
    if (connection.pending.answered(*response)) {
      enter_deadline(id, connection);
    }
  } else {
    handle_notification(connection, std::get<Notification>(*message));
  }
}

bool ProtooDialect::passes(ConnectionId id, std::string_view text, TimePoint now) {
  const auto message = protoo::parse(text);
  if (!message) return true;  // is ignored anyway
  const auto* request = std::get_if<Request>(&*message);
  const GuardVerdict verdict = guard_->check(find(id)->core, guarded(*message), now);
  if (verdict == GuardVerdict::drop_and_tell && request != nullptr)
    fail(id, request->id, too_many_requests, "RATE_LIMITED: Too many messages. Slow down.");
  return verdict == GuardVerdict::pass;
}

void ProtooDialect::handle_request(ConnectionId id, const Request& request, TimePoint now) {
  const std::string& method = request.method;
  if (method == "relay") return relay(id, request);
  if (method == "askPeer") return ask_peer(id, request, now);
  if (method == "join") return join(id, request, now);
  if (method == "joinRoom") return join_room(id, request, now);
  if (method == "changeDisplayName") return change_display_name(id, request);
  if (method == "closeRoom") return request_close_room(id, request, now);
  if (method == "echo") {
    const std::string echo = "Echoing: " + as_javascript_text(member(request.data, "text"));
    return succeed(id, request.id, JsonWriter().string("message", echo).finish());
  }
  fail(id, request.id, internal_error, "Unknown method: " + method);
}

void ProtooDialect::handle_notification(Connection& connection, const Notification& notification) {
  if (notification.method != "message" || connection.phase != Phase::joined) return;
  rooms_.relay_data(PeerId(connection.core), std::nullopt, std::string(notification.data.raw()));
}

// --- joining --------------------------------------------------------------------------------------------------------------

void ProtooDialect::join_room(ConnectionId id, const Request& request, TimePoint now) {
  const auto value = member(request.data, "roomId");
  const auto room = value ? value->as_string() : std::nullopt;
  if (!room || room->empty()) return fail(id, request.id, bad_request, "roomId required");
  if (room->size() > options_.id_bytes_max) return fail(id, request.id, bad_request, "roomId too long");
  enter(id, *room, std::string(request.id), now);
}

void ProtooDialect::join(ConnectionId id, const Request& request, TimePoint now) {
  Connection& connection = *find(id);
  if (connection.phase == Phase::joined) return fail(id, request.id, internal_error, "Error: Peer already joined");
  if (!connection.room) return fail(id, request.id, internal_error, "Error: Peer is in no room");
  const auto [display_name, device] = request.data.pick(std::array<std::string_view, 2>{"displayName", "device"});
  Metadata metadata;
  metadata.set("peerId", json_string(connection.peer));  // what the core's own id cannot tell others and operators
  // Of an attempt that found the room full, nothing is left.
  metadata.set("displayName", display_name ? display_name->well_formed() : "null");
  metadata.set("device", device ? device->well_formed() : "null");
  if (!connection.token.empty()) {
    for (const std::string& key : options_.token_metadata_keys) metadata.set(key, json_string(connection.token));
  }
  connection.phase = Phase::joining;
  connection.display_name = display_name ? std::optional(std::string(display_name->raw())) : std::nullopt;
  rooms_.join(connection.core, names_.id(protoo_dialect_name, *connection.room), metadata, now,
              [this, alive = std::weak_ptr<bool>(alive_), id, asked = std::string(request.id)](const JoinOutcome& outcome,
                                                                                               TimePoint answered) {
                if (!alive.expired()) join_answered(id, asked, outcome, answered);
              });
}

void ProtooDialect::join_answered(ConnectionId id, const std::string& request, const JoinOutcome& outcome, TimePoint now) {
  now_ = now;
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (!outcome) {
    const JoinRefusal& refusal = outcome.error();
    connection->phase = Phase::open;
    const std::string reason = refusal.message.empty() ? refusal.code : refusal.code + ": " + refusal.message;
    switch (refusal.kind) {
      case JoinRefusal::Kind::room_full:
      case JoinRefusal::Kind::rate_limited:
        fail(id, request, unavailable, reason);
        return drain(id, now);
      case JoinRefusal::Kind::room_not_found:
        fail(id, request, not_found, reason);
        break;
      case JoinRefusal::Kind::failed:
        fail(id, request, internal_error, reason);
        break;
      case JoinRefusal::Kind::invalid_room_id:
        fail(id, request, bad_request, reason);
        break;
      case JoinRefusal::Kind::rejected:
        if (refusal.temporary) {
          // After 4000 it would never come back, after any other close at once: it stays, and may ask again.
          connect_to_core(id, *connection);
          fail(id, request, unavailable, reason);
          return drain(id, now);
        }
        fail(id, request, forbidden, reason);
        break;
    }
    return close(id, closed_by_server, closed_by_server_reason);  // the core has forgotten the peer
  }
  connection->phase = Phase::joined;
  JsonArrayWriter peers;
  const Room* room = rooms_.find_room(names_.id(protoo_dialect_name, *connection->room));
  for (const PeerId& member : room != nullptr ? room->members() : std::vector<PeerId>{}) {
    if (member != connection->core) peers.raw(peer_json(member));
  }
  succeed(id, request, JsonWriter().raw("peers", peers.finish()).finish());
  drain(id, now);
}

void ProtooDialect::change_display_name(ConnectionId id, const Request& request) {
  const Connection& connection = *find(id);
  if (connection.phase != Phase::joined) return fail(id, request.id, internal_error, not_yet_joined);
  const auto name = member(request.data, "displayName");
  Metadata patch;
  patch.set("displayName", name ? name->well_formed() : "null");
  const PeerId core = connection.core;
  if (!rooms_.patch_peer_metadata(core, patch)) return fail(id, request.id, bad_request, "displayName too large");
  succeed(id, request.id);
}

// --- to one peer ----------------------------------------------------------------------------------------------------------

std::optional<ConnectionId> ProtooDialect::joined_peer(const Connection& asker, std::string_view peer) {
  const auto found = places_.find(PlaceView{*asker.room, peer});
  if (found == places_.end() || find(found->second)->phase != Phase::joined) return std::nullopt;
  return found->second;
}

void ProtooDialect::relay(ConnectionId id, const Request& request) {
  const Connection& asker = *find(id);
  if (asker.phase != Phase::joined) return fail(id, request.id, internal_error, not_yet_joined);
  if (!rooms_.allows(asker.core, MemberAction::data)) return fail(id, request.id, forbidden, data_not_allowed);
  const auto [peer, data] = request.data.pick(std::array<std::string_view, 2>{"peerId", "data"});
  const auto name = peer ? peer->as_string() : std::nullopt;
  const auto ours = name ? joined_peer(asker, *name) : std::nullopt;
  const PeerId target = ours ? find(*ours)->core : PeerId(name.value_or(""));
  if (!rooms_.relay_data(asker.core, target, std::string(data ? data->raw() : "null")))
    return fail(id, request.id, not_found, "peer not found: " + as_javascript_text(peer));
  succeed(id, request.id);
}

void ProtooDialect::ask_peer(ConnectionId id, const Request& request, TimePoint now) {
  const Connection& asker = *find(id);
  if (asker.phase != Phase::joined) return fail(id, request.id, internal_error, not_yet_joined);
  if (!rooms_.allows(asker.core, MemberAction::data)) return fail(id, request.id, forbidden, data_not_allowed);
  const auto [peer, method, data] = request.data.pick(std::array<std::string_view, 3>{"peerId", "method", "data"});
  const auto name = peer ? peer->as_string() : std::nullopt;
  const auto asked = name ? joined_peer(asker, *name) : std::nullopt;
  if (!asked) return fail(id, request.id, not_found, "peer not found: " + as_javascript_text(peer));
  const auto method_name = method ? method->as_string() : std::nullopt;
  if (!method_name) return fail(id, request.id, bad_request, "method required");
  using Kind = protoo::Outcome::Kind;
  const auto answer = [this, alive = std::weak_ptr<bool>(alive_), id,
                       own_id = std::string(request.id)](const protoo::Outcome& outcome) {
    if (alive.expired()) return;
    switch (outcome.kind) {
      case Kind::success:
        return succeed(id, own_id, outcome.data);
      case Kind::error:
        return send(id, protoo::error_text_raw(own_id, outcome.error_code, outcome.error_reason));
      case Kind::timeout:
        return fail(id, own_id, gateway_timeout, "request timeout");
      case Kind::peer_closed:
        return fail(id, own_id, internal_error, "peer closed");
    }
  };
  const RoomId room = names_.id(protoo_dialect_name, *asker.room);
  if (!this->request(room, *name, *method_name, data ? data->raw() : "{}", answer, now))
    fail(id, request.id, unavailable, "too many requests wait for this peer");
}

bool ProtooDialect::request(const RoomId& room, std::string_view peer, std::string_view method, std::string_view data,
                            protoo::PendingRequests::Reply reply, TimePoint now) {
  const auto name = names_.name(protoo_dialect_name, room);
  const auto place = name ? places_.find(PlaceView{*name, peer}) : places_.end();
  if (place == places_.end()) return false;
  const ConnectionId to = place->second;
  Connection& connection = *find(to);
  if (connection.phase != Phase::joined) return false;
  const auto id = connection.pending.add(std::move(reply), now);
  if (!id) return false;
  enter_deadline(to, connection);
  send(to, protoo::request_text(*id, method, data));
  return true;
}

// --- closing rooms --------------------------------------------------------------------------------------------------------

void ProtooDialect::request_close_room(ConnectionId id, const Request& request, TimePoint now) {
  const Connection& connection = *find(id);
  if (!connection.room) return fail(id, request.id, internal_error, "Error: Peer is in no room");
  if (!may_close_room(connection)) return fail(id, request.id, forbidden, "Not allowed to close the room");
  closing_.emplace(*connection.room, now + options_.room_closing_delay);
  succeed(id, request.id);
}

bool ProtooDialect::may_close_room(const Connection& connection) const {
  if (options_.anybody_closes_rooms) return true;
  const Peer* peer = rooms_.find_peer(connection.core);
  if (peer == nullptr || connection.phase != Phase::joined) return false;
  const auto names_owner = [](const JsonView& value) {
    const auto text = value.as_string();
    return text == "admin" || text == "owner";
  };
  for (const auto& [key, raw] : peer->metadata().entries()) {
    if (key != "__caps" && key != "__role") continue;  // clients cannot set these
    const auto value = JsonView::parse(raw);
    if (!value) continue;
    const auto elements = value->as_array().value_or(std::vector<JsonView>{*value});
    if (std::any_of(elements.begin(), elements.end(), names_owner)) return true;
  }
  return false;
}

}  // namespace sluice
