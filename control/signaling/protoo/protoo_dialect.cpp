// Connections of protoo clients: entering, waiting, going. Messages: protoo_methods.cpp; facts: protoo_facts.cpp.
#include "control/signaling/protoo/protoo_dialect.hpp"

#include <algorithm>

#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

/// The client never connects again after this (contract protoo, section 2); after any other code it does at once.
constexpr std::uint16_t closed_by_server = 4000;
constexpr std::string_view closed_by_server_reason = "closed by protoo-server";
constexpr std::uint16_t policy_violation = 1008;
constexpr int conflict = 409;

}  // namespace

ProtooDialect::ProtooDialect(Rooms& rooms, Bus& bus, ConnectionSink& sink, const RoomNames& names, ProtooOptions options,
                             std::function<std::int64_t(TimePoint)> unix_ms)
    : rooms_(rooms), sink_(sink), names_(names), options_(std::move(options)), unix_ms_(std::move(unix_ms)) {
  follow(bus);
}

// --- connections ----------------------------------------------------------------------------------------------------------

void ProtooDialect::on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) {
  auto url = read_protoo_url(info.raw_path, info.query, options_);
  if (url && url->token.empty()) url->token = bearer_of(info.authorization);
  if (!url) return sink_.close(connection, closed_by_server, closed_by_server_reason);  // refused before the upgrade
  open(connection, *url, info.ip, now);
}

void ProtooDialect::open(ConnectionId id, const ProtooUrl& url, std::string ip, TimePoint now) {
  now_ = now;
  if (guard_ != nullptr) {
    // After any other code the client would be back at once, and again, for as long as it is refused.
    if (guard_->refuse_connection(ip, now)) return sink_.close(id, closed_by_server, closed_by_server_reason);
  }
  auto made = std::make_unique<Connection>();
  made->ip = std::move(ip);
  made->token = url.token;
  made->pending = protoo::PendingRequests(options_.pending_max);
  if (url.peer) {
    made->peer = *url.peer;
  } else {
    last_made_id_ = std::max(unix_ms_(now), last_made_id_ + 1);
    made->peer = "peer-" + std::to_string(last_made_id_);
  }
  connect_to_core(id, *made);
  connections_.emplace(id, std::move(made));
  if (url.room) enter(id, *url.room, std::nullopt, now);
}

void ProtooDialect::on_message(ConnectionId id, Bytes message, MessageKind kind, TimePoint now) {
  now_ = now;
  Connection* connection = find(id);
  if (connection == nullptr || kind == MessageKind::binary) return;
  if (guard_ != nullptr) {
    if (!passes(id, as_text(message), now)) return;
    connection = find(id);
    if (connection == nullptr) return;
  }
  const bool waits = connection->phase == Phase::probing || connection->phase == Phase::joining;
  if (waits || connection->draining) return hold(id, *connection, as_text(message));
  handle(id, as_text(message), now);
  drain(id, now);  // what a decision inside handle() let through
}

void ProtooDialect::on_pong(ConnectionId id, TimePoint now) {
  now_ = now;
  const auto probed =
      std::find_if(probes_.begin(), probes_.end(), [&](const auto& probe) { return probe.second.incumbent == id; });
  if (probed != probes_.end()) end_probe(Place(probed->first), true, now);
}

void ProtooDialect::on_close(ConnectionId id, TimePoint now) {
  now_ = now;
  gone(id, CoreKnows::no);
}

ProtooDialect::Connection* ProtooDialect::find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void ProtooDialect::connect_to_core(ConnectionId id, Connection& connection) {
  connection.core = rooms_.connect(std::string(protoo_dialect_name), connection.ip);
  members_[connection.core] = {id, connection.peer};
}

void ProtooDialect::close(ConnectionId id, std::uint16_t code, std::string_view reason, CoreKnows core_knows) {
  if (find(id) == nullptr) return;
  sink_.close(id, code, reason);
  gone(id, core_knows);
}

/// Frees the peer's id before anybody is told.
void ProtooDialect::gone(ConnectionId id, CoreKnows core_knows) {
  const auto node = connections_.extract(id);
  if (node.empty()) return;
  Connection& connection = *node.mapped();
  if (connection.pending_deadline != never) deadlines_.erase({connection.pending_deadline, id});
  forget_probes_of(id);
  std::optional<Place> place;
  if (connection.room) {
    const auto held = places_.find(PlaceView{*connection.room, connection.peer});
    if (held != places_.end() && held->second == id) place = places_.extract(held).key();
  }
  const PeerId core = connection.core;
  if (connection.phase != Phase::joined) {
    rooms_.discard(core);
  } else if (core_knows == CoreKnows::no) {
    rooms_.leave(core, LeaveCause::dropped);  // nobody can resume: a reconnecting client is a newcomer
  }
  connection.pending.fail_all();
  if (place && probes_.contains(*place)) end_probe(*place, false, now_);  // whoever waits for its place may have it
}

std::vector<ConnectionId> ProtooDialect::connections_of(const std::string& room) const {
  std::vector<ConnectionId> ids;
  for (auto at = places_.lower_bound(PlaceView{room, ""}); at != places_.end() && at->first.room == room; ++at)
    ids.push_back(at->second);
  return ids;
}

void ProtooDialect::close_all_of(const std::string& room) {
  closing_.erase(room);
  for (const ConnectionId id : connections_of(room)) close(id, closed_by_server, closed_by_server_reason, CoreKnows::yes);
}

void ProtooDialect::restored() {
  std::vector<PeerId> ours;
  for (const auto& [id, peer] : rooms_.peers()) {
    if (peer->dialect() == protoo_dialect_name && !members_.contains(id)) ours.push_back(id);
  }
  for (const PeerId& id : ours) rooms_.leave(id, LeaveCause::dropped);
}

// --- a place in a room ----------------------------------------------------------------------------------------------------

/// `request` is the joinRoom to be answered, if one asks.
void ProtooDialect::enter(ConnectionId id, const std::string& room, std::optional<std::string> request, TimePoint now) {
  const Connection& connection = *find(id);
  const Place place{room, connection.peer};
  const auto holder = places_.find(place);
  const bool free = holder == places_.end() || holder->second == id;
  if (!free) {
    const ConnectionId incumbent = holder->second;
    if (options_.duplicate_peer == ProtooOptions::Duplicate::reject)
      return probe(id, place, incumbent, std::move(request), now);
    close(incumbent, closed_by_server, closed_by_server_reason);
    if (find(id) == nullptr) return;
  }
  take_place(id, room, request, now);
}

void ProtooDialect::take_place(ConnectionId id, const std::string& room, const std::optional<std::string>& request,
                               TimePoint now) {
  Connection* connection = find(id);
  if (connection->phase == Phase::probing) connection->phase = connection->phase_before_probe;
  if (connection->room != room) {
    leave_place(id, *connection);
    connection = find(id);
    if (connection == nullptr) return;
    connection->room = room;
    places_[Place{room, connection->peer}] = id;
  }
  if (request) {
    JsonArrayWriter peers;
    const Room* core_room = rooms_.find_room(names_.id(protoo_dialect_name, room));
    for (const PeerId& member : core_room != nullptr ? core_room->members() : std::vector<PeerId>{}) {
      if (member != connection->core) peers.string(wire_id(member));
    }
    send(id,
         protoo::notification_text("roomJoined", JsonWriter().string("roomId", room).raw("peers", peers.finish()).finish()));
    succeed(id, *request, R"({"joined":true})");
  }
  drain(id, now);
}

/// As if the peer had closed there.
void ProtooDialect::leave_place(ConnectionId id, Connection& connection) {
  if (!connection.room) return;
  const auto held = places_.find(PlaceView{*connection.room, connection.peer});
  std::optional<Place> place;
  if (held != places_.end() && held->second == id) place = places_.extract(held).key();
  connection.room.reset();
  connection.display_name.reset();
  if (connection.phase == Phase::joined) {
    connection.phase = Phase::open;
    rooms_.leave(PeerId(connection.core), LeaveCause::left);
  }
  if (place && probes_.contains(*place)) end_probe(*place, false, now_);
}

// --- duplicates -----------------------------------------------------------------------------------------------------------

/// A half-dead incumbent must not lock out its own client, so it has to show that it lives.
void ProtooDialect::probe(ConnectionId id, const Place& place, ConnectionId incumbent, std::optional<std::string> request,
                          TimePoint now) {
  Connection& connection = *find(id);
  connection.phase_before_probe = connection.phase;
  connection.phase = Phase::probing;
  connection.probed_request = std::move(request);
  const auto [found, fresh] = probes_.try_emplace(place);
  found->second.newcomers.push_back(id);
  if (!fresh) return;
  found->second.incumbent = incumbent;
  found->second.deadline = now + options_.probe_patience;
  sink_.ping(incumbent);
}

void ProtooDialect::end_probe(const Place& place, bool alive, TimePoint now) {
  const auto node = probes_.extract(place);
  if (node.empty() || node.mapped().newcomers.empty()) return;
  std::vector<ConnectionId> newcomers = node.mapped().newcomers;
  std::optional<ConnectionId> heir;
  if (!alive) {
    // The youngest connection is the likeliest to live.
    heir = newcomers.back();
    newcomers.pop_back();
    close(node.mapped().incumbent, closed_by_server, closed_by_server_reason);
    if (Connection* connection = find(*heir))
      take_place(*heir, place.room, std::exchange(connection->probed_request, std::nullopt), now);
  }
  for (const ConnectionId id : newcomers) refuse_duplicate(id, now);
}

void ProtooDialect::refuse_duplicate(ConnectionId id, TimePoint now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  const auto request = std::exchange(connection->probed_request, std::nullopt);
  if (!request) return close(id, closed_by_server, closed_by_server_reason);
  connection->phase = connection->phase_before_probe;
  fail(id, *request, conflict, "Error: a peer with this id is already in the room");
  drain(id, now);
}

void ProtooDialect::forget_probes_of(ConnectionId id) {
  for (auto at = probes_.begin(); at != probes_.end();) {
    std::erase(at->second.newcomers, id);
    at = at->second.newcomers.empty() ? probes_.erase(at) : std::next(at);
  }
}

// --- waiting --------------------------------------------------------------------------------------------------------------

void ProtooDialect::hold(ConnectionId id, Connection& connection, std::string_view text) {
  if (connection.held.size() >= options_.held_messages_max ||
      text.size() > options_.held_bytes_max - connection.held_bytes) {
    return close(id, policy_violation, "Rate limited");
  }
  connection.held_bytes += text.size();
  connection.held.emplace_back(text);
}

void ProtooDialect::drain(ConnectionId id, TimePoint now) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->draining || connection->held.empty()) return;
  connection->draining = true;
  // Looked up anew each time: a message may close the connection.
  while (connection != nullptr && connection->phase != Phase::probing && connection->phase != Phase::joining &&
         !connection->held.empty()) {
    const std::string text = std::move(connection->held.front());
    connection->held.pop_front();
    connection->held_bytes -= text.size();
    handle(id, text, now);
    connection = find(id);
  }
  if (connection != nullptr) connection->draining = false;
}

// --- time -----------------------------------------------------------------------------------------------------------------

void ProtooDialect::handle_timeout(TimePoint now) {
  now_ = now;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const ConnectionId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    Connection& connection = *find(id);
    connection.pending_deadline = never;
    connection.pending.handle_timeout(now);
    if (Connection* still = find(id)) enter_deadline(id, *still);
  }
  std::vector<Place> unanswered;
  for (const auto& [place, probe] : probes_) {
    if (probe.deadline <= now) unanswered.push_back(place);
  }
  for (const Place& place : unanswered) end_probe(place, false, now);
  std::vector<std::string> due;
  for (const auto& [room, at] : closing_) {
    if (at <= now) due.push_back(room);
  }
  for (const std::string& room : due) {
    close_all_of(room);
    (void)rooms_.destroy(names_.id(protoo_dialect_name, room), "Room closed");  // members of bridged dialects, too
  }
}

TimePoint ProtooDialect::next_deadline() const {
  TimePoint next = deadlines_.empty() ? never : deadlines_.begin()->first;
  for (const auto& [place, probe] : probes_) next = std::min(next, probe.deadline);
  for (const auto& [room, at] : closing_) next = std::min(next, at);
  return next;
}

void ProtooDialect::enter_deadline(ConnectionId id, Connection& connection) {
  if (connection.pending_deadline != never) deadlines_.erase({connection.pending_deadline, id});
  connection.pending_deadline = connection.pending.next_deadline();
  if (connection.pending_deadline != never) deadlines_.insert({connection.pending_deadline, id});
}

// --- sending --------------------------------------------------------------------------------------------------------------

void ProtooDialect::send(ConnectionId id, std::string text) {
  if (find(id) != nullptr) sink_.send(id, std::make_shared<const std::string>(std::move(text)));
}

void ProtooDialect::succeed(ConnectionId id, std::string_view request, std::string_view data) {
  send(id, protoo::success_text(request, data));
}

void ProtooDialect::fail(ConnectionId id, std::string_view request, int code, std::string_view reason) {
  send(id, protoo::error_text(request, code, reason));
}

}  // namespace sluice
