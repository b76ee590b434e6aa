#include "control/signaling/partyrooms/party_dialect.hpp"

#include <algorithm>
#include <set>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "control/rooms/random_id.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t policy_violation = 1008;

std::string json_string(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

}  // namespace

PartyDialect::PartyDialect(Rooms& rooms, Bus& bus, ConnectionSink& sink, const RoomNames& names, Entropy& entropy,
                           PartyOptions options)
    : rooms_(rooms), sink_(sink), names_(names), entropy_(entropy), options_(std::move(options)) {
  follow(bus);
}

// --- connections ----------------------------------------------------------------------------------------------------------

void PartyDialect::on_open(ConnectionId connection, const ConnectionInfo& info, TimePoint now) {
  const auto url = read_party_url(info.raw_path, info.query, options_);
  if (!url) return sink_.close(connection, policy_violation, url.error().text);  // refused before the upgrade
  open(connection, *url, info.ip, now);
}

void PartyDialect::open(ConnectionId id, const PartyUrl& url, std::string ip, TimePoint now) {
  if (guard_ != nullptr) {
    if (const auto refused = guard_->refuse_connection(ip, now)) return sink_.close(id, policy_violation, *refused);
  }
  Connection connection;
  connection.id = url.id.empty() ? random_uuid(entropy_) : url.id;
  connection.room = names_.id(party_rooms_dialect_name, url.room);
  connection.core = rooms_.connect(std::string(party_rooms_dialect_name), std::move(ip));
  const PeerId core = connection.core;
  const RoomId room = connection.room;
  members_[core] = {id, connection.id};
  Metadata metadata{{"peerId", json_string(connection.id)}};
  if (!url.token.empty()) {
    for (const std::string& key : options_.token_metadata_keys) metadata.set(key, json_string(url.token));
  }
  connections_.emplace(id, std::move(connection));
  rooms_.join(core, room, metadata, now,
              [this, alive = std::weak_ptr<bool>(alive_), id](const JoinOutcome& outcome, TimePoint) {
                if (!alive.expired()) join_answered(id, outcome);
              });
}

void PartyDialect::join_answered(ConnectionId id, const JoinOutcome& outcome) {
  const Connection* connection = find(id);
  if (connection == nullptr || outcome) return;  // admitted: tell_joined() has done it all
  const JoinRefusal& refusal = outcome.error();
  const PeerId core = connection->core;
  close(id, policy_violation, refusal.close_reason.empty() ? refusal.code : refusal.close_reason);
  rooms_.discard(core);  // after ROOM_FULL the core still has it
}

void PartyDialect::on_message(ConnectionId id, Bytes message, MessageKind kind, TimePoint now) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if (guard_ != nullptr) {
    // What it is cannot be seen without looking into it, which this protocol does not.
    const GuardedMessage guarded{ClientRequest::data, message.size(), false, true};
    if (guard_->check(PeerId(connection->core), guarded, now) != GuardVerdict::pass) return;
    connection = find(id);
    if (connection == nullptr) return;
  }
  if (!connection->joined) return hold(id, *connection, message, kind);
  broadcast(*connection, {std::make_shared<const std::string>(as_text(message)), kind});
}

void PartyDialect::on_close(ConnectionId id, TimePoint now) {
  (void)now;
  const auto node = connections_.extract(id);
  if (node.empty()) return;
  const PeerId& core = node.mapped().core;
  if (node.mapped().joined) {
    rooms_.leave(core, LeaveCause::dropped);  // a client that comes back is a newcomer
  } else {
    rooms_.discard(core);
  }
}

PartyDialect::Connection* PartyDialect::find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

/// Only the connection: what becomes of the peer is the caller's business.
void PartyDialect::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  if (connections_.erase(id) != 0) sink_.close(id, code, reason);
}

void PartyDialect::restored() {
  std::vector<PeerId> ours;
  for (const auto& [id, peer] : rooms_.peers()) {
    if (peer->dialect() == party_rooms_dialect_name && !members_.contains(id)) ours.push_back(id);
  }
  for (const PeerId& id : ours) rooms_.leave(id, LeaveCause::dropped);
}

// --- messages -------------------------------------------------------------------------------------------------------------

void PartyDialect::hold(ConnectionId id, Connection& connection, Bytes message, MessageKind kind) {
  if (connection.held.size() >= options_.held_messages_max ||
      message.size() > options_.held_bytes_max - connection.held_bytes) {
    const PeerId core = connection.core;
    close(id, policy_violation, "Rate limited");
    return rooms_.discard(core);
  }
  connection.held_bytes += message.size();
  connection.held.push_back({std::make_shared<const std::string>(as_text(message)), kind});
}

void PartyDialect::broadcast(const Connection& from, const Message& message) {
  const Room* room = rooms_.find_room(from.room);
  // The protocol has no word for a refusal.
  if (room == nullptr || !rooms_.allows(PeerId(from.core), MemberAction::data)) return;
  for (const PeerId& member : room->members()) {
    const auto ours = members_.find(member);
    if (ours != members_.end() && ours->second.id != from.id) deliver(ours->second.connection, message);
  }
  // What the core can carry it spreads further: to bridged dialects, and to whoever counts and watches messages.
  if (message.kind == MessageKind::binary || !JsonView::parse(*message.bytes)) return;
  rooms_.relay_data(PeerId(from.core), std::nullopt, *message.bytes);
}

void PartyDialect::deliver(ConnectionId to, const Message& message) {
  const Connection* connection = find(to);
  if (connection == nullptr || !connection->joined) return;
  if (message.kind == MessageKind::binary) {
    sink_.send_binary(to, message.bytes);
  } else {
    sink_.send(to, message.bytes);
  }
}

// --- facts ----------------------------------------------------------------------------------------------------------------

void PartyDialect::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto tell) { subscriptions_.push_back(bus.subscribe<Fact>(tell)); };
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) { tell_joined(fact); });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) { tell_left(fact); });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) { members_.erase(fact.peer); });
  on.template operator()<PeerKicked>([this](const PeerKicked& fact) { tell_kicked(fact); });
  on.template operator()<DataRelayed>([this](const DataRelayed& fact) { tell_data(fact); });
}

void PartyDialect::tell_joined(const PeerJoined& fact) {
  const std::string id = wire_id(fact.peer.id);
  const auto ours = members_.find(fact.peer.id);
  Connection* connection = ours == members_.end() ? nullptr : find(ours->second.connection);
  if (connection != nullptr) {
    connection->joined = true;
    send_list(ours->second.connection, ids_in(fact.room), id);
  }
  if (!has_other_member(fact.room, fact.peer.id, id)) send_lists(fact.room, id);
  if (connection == nullptr) return;
  // Sent before it was admitted; perhaps in the very first packet.
  const std::deque<Message> held = std::exchange(connection->held, {});
  connection->held_bytes = 0;
  for (const Message& message : held) broadcast(*connection, message);
}

void PartyDialect::tell_left(const PeerLeft& fact) {
  const std::string id = wire_id(fact.peer.id);
  if (!has_other_member(fact.room, fact.peer.id, id)) send_lists(fact.room, id);
}

void PartyDialect::tell_kicked(const PeerKicked& fact) {
  const auto ours = members_.find(fact.peer);
  if (ours == members_.end()) return;
  const bool comes_back = fact.cause == LeaveCause::idle || fact.cause == LeaveCause::shed;
  close(ours->second.connection, comes_back ? going_away : policy_violation, fact.reason);
}

/// What members of bridged dialects and the server itself say.
void PartyDialect::tell_data(const DataRelayed& fact) {
  const auto target = fact.target ? members_.find(*fact.target) : members_.end();
  if (fact.target && target == members_.end()) return;
  if (members_.contains(PeerId(fact.from))) return;  // ours: broadcast() has delivered it
  Message message{std::make_shared<const std::string>(fact.payload), MessageKind::text};
  if (fact.target) return deliver(target->second.connection, message);
  const Room* room = rooms_.find_room(fact.room);
  if (room == nullptr) return;
  for (const PeerId& member : room->members()) {
    const auto ours = members_.find(member);
    if (ours != members_.end() && member.value != fact.from) deliver(ours->second.connection, message);
  }
}

// --- lists ----------------------------------------------------------------------------------------------------------------

std::string PartyDialect::wire_id(const PeerId& core) const {
  const auto ours = members_.find(core);
  return ours == members_.end() ? core.value : ours->second.id;
}

bool PartyDialect::has_other_member(const RoomId& room, const PeerId& except, std::string_view id) const {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return false;
  return std::any_of(found->members().begin(), found->members().end(),
                     [&](const PeerId& member) { return member != except && wire_id(member) == id; });
}

std::vector<std::string> PartyDialect::ids_in(const RoomId& room) const {
  std::vector<std::string> ids;
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return ids;
  std::set<std::string, std::less<>> known;
  for (const PeerId& member : found->members()) {
    std::string id = wire_id(member);
    if (known.insert(id).second) ids.push_back(std::move(id));
  }
  return ids;
}

void PartyDialect::send_lists(const RoomId& room, std::string_view except) {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  const std::vector<std::string> ids = ids_in(room);
  for (const PeerId& member : found->members()) {
    const auto ours = members_.find(member);
    if (ours != members_.end() && ours->second.id != except) send_list(ours->second.connection, ids, ours->second.id);
  }
}

void PartyDialect::send_list(ConnectionId to, const std::vector<std::string>& ids, std::string_view own) {
  const Connection* connection = find(to);
  if (connection == nullptr || !connection->joined) return;
  JsonArrayWriter peers;
  for (const std::string& id : ids) {
    if (id != own) peers.string(id);
  }
  sink_.send(to, std::make_shared<const std::string>(JsonWriter("info:peerlist").raw("peers", peers.finish()).finish()));
}

}  // namespace sluice
