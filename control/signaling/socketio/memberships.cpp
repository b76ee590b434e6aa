#include "control/signaling/socketio/memberships.hpp"

#include <algorithm>

#include "control/json/json_writer.hpp"

namespace sluice::socketio {
namespace {

constexpr std::size_t token_bytes_max = 8192;  // as JSON; a longer one is none

}  // namespace

Memberships::Memberships(Rooms& rooms, Bus& bus, std::string dialect, RoomIdOf room_id, std::size_t capacity, PutOut put_out,
                         Posted posted)
    : rooms_(rooms),
      dialect_(std::move(dialect)),
      room_id_(std::move(room_id)),
      capacity_(capacity),
      put_out_(std::move(put_out)) {
  subscriptions_.push_back(bus.subscribe<PeerKicked>([this](const PeerKicked& fact) {
    const auto found = places_.find(fact.peer);
    if (found == places_.end()) return;
    const Place place = found->second;
    if (place.room.empty()) {
      places_.erase(found);
      if (const auto visitor = visitors_.find(place.socket); visitor != visitors_.end()) visitor->second.lobby.reset();
    } else {
      forget(place.socket, place.room);  // the core itself ends the peer
    }
    put_out_(place.socket, fact);
  }));
  subscriptions_.push_back(bus.subscribe<DataRelayed>([this, posted](const DataRelayed& fact) {
    if (fact.from != "__admin__") return;  // peers of other dialects have nothing to say to ours
    const auto name = room_name(fact.room);
    if (name)
      posted(*name, std::nullopt, "data", JsonWriter().string("from", fact.from).raw("payload", fact.payload).finish());
  }));
  subscriptions_.push_back(bus.subscribe<RoomMessagePosted>([this, posted](const RoomMessagePosted& fact) {
    if (const auto name = room_name(fact.room)) posted(*name, std::nullopt, "server-message", fact.message);
  }));
  subscriptions_.push_back(bus.subscribe<PeerMessagePosted>([this, posted](const PeerMessagePosted& fact) {
    const auto found = places_.find(fact.peer);
    if (found != places_.end() && !found->second.room.empty())
      posted(found->second.room, found->second.socket, "server-message", fact.message);
  }));
}

std::optional<std::string> Memberships::room_name(const RoomId& id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? std::nullopt : std::optional(found->second.first);
}

bool Memberships::has(SocketKey socket, const std::string& room) const {
  const auto found = visitors_.find(socket);
  return found != visitors_.end() && std::any_of(found->second.rooms.begin(), found->second.rooms.end(),
                                                 [&](const auto& entry) { return entry.first == room; });
}

std::size_t Memberships::count(SocketKey socket) const {
  const auto found = visitors_.find(socket);
  return found == visitors_.end() ? 0 : found->second.rooms.size();
}

std::optional<std::string> Memberships::refuse_connection(std::string_view ip, TimePoint now) {
  return guard_ == nullptr ? std::nullopt : guard_->refuse_connection(ip, now);
}

bool Memberships::passes(SocketKey socket, const GuardedMessage& message, TimePoint now) {
  const auto found = guard_ == nullptr ? visitors_.end() : visitors_.find(socket);
  if (found == visitors_.end()) return true;
  const Visitor& visitor = found->second;
  if (visitor.rooms.empty() && !visitor.lobby) return false;  // it is being put out
  // Any of its peers stands for it; a copy, as it may be put out.
  const PeerId peer = visitor.rooms.empty() ? *visitor.lobby : visitor.rooms.front().second;
  return guard_->check(peer, message, now) == GuardVerdict::pass;
}

bool Memberships::may_send_data(SocketKey socket, std::optional<std::string_view> room) const {
  const auto found = visitors_.find(socket);
  if (found == visitors_.end()) return false;
  const auto may = [&](const PeerId& peer) { return rooms_.allows(peer, MemberAction::data); };
  const Visitor& visitor = found->second;
  if (visitor.lobby) return !room && may(*visitor.lobby);
  return std::any_of(visitor.rooms.begin(), visitor.rooms.end(),
                     [&](const auto& entry) { return (!room || entry.first == *room) && may(entry.second); });
}

// --- coming and going -----------------------------------------------------------------------------------------------------

void Memberships::enter(SocketKey socket, std::string_view ip) {
  visitors_[socket].ip = ip;
  wait_in_lobby(socket);
}

void Memberships::wait_in_lobby(SocketKey socket) {
  const auto found = visitors_.find(socket);
  if (found == visitors_.end() || found->second.lobby || !found->second.rooms.empty()) return;
  const PeerId peer = rooms_.connect(dialect_, found->second.ip);
  found->second.lobby = peer;
  places_[peer] = {socket, ""};
}

void Memberships::present(SocketKey socket, const JsonView& object) {
  const auto visitor = token_keys_.empty() ? visitors_.end() : visitors_.find(socket);
  const auto said = visitor == visitors_.end() ? std::nullopt : JsonObject::of(object);
  if (!said) return;
  for (const TokenKey& key : token_keys_) {
    const auto token = said->find(key.presented);
    if (!token || token->kind() != JsonKind::string || token->raw().size() > token_bytes_max) continue;
    std::erase_if(visitor->second.tokens, [&](const auto& known) { return known.first == key.metadata; });
    visitor->second.tokens.emplace_back(key.metadata, token->well_formed());
  }
}

std::string Memberships::presented(SocketKey socket) const {
  JsonWriter out;
  const auto visitor = visitors_.find(socket);
  if (visitor == visitors_.end()) return out.finish();
  for (const auto& [metadata_key, token] : visitor->second.tokens) {
    const auto key = std::find_if(token_keys_.begin(), token_keys_.end(),
                                  [&, name = metadata_key](const TokenKey& known) { return known.metadata == name; });
    if (key != token_keys_.end()) out.raw(key->presented, token);
  }
  return out.finish();
}

void Memberships::join(SocketKey socket, const std::string& room, Metadata metadata, TimePoint now, Joined done) {
  const auto found = visitors_.find(socket);
  if (found == visitors_.end() || has(socket, room)) return;
  Visitor& visitor = found->second;
  for (const auto& [key, token] : visitor.tokens) metadata.set(key, token);
  const RoomId id = room_id_(room);
  const bool made = rooms_.find_room(id) == nullptr;
  const auto waiting = std::exchange(visitor.lobby, std::nullopt);
  const PeerId peer = waiting ? *waiting : rooms_.connect(dialect_, visitor.ip);
  visitor.rooms.emplace_back(room, peer);
  places_[peer] = {socket, room};
  auto& [name, uses] = names_[id];
  name = room;
  ++uses;
  rooms_.join(peer, id, metadata, now,
              [this, peer, id, made, socket, room, done = std::move(done)](const JoinOutcome& outcome, TimePoint answered) {
                if (!outcome) {
                  forget(socket, room);
                  if (outcome.error().keeps_peer()) rooms_.discard(peer);
                  wait_in_lobby(socket);
                } else if (made) {
                  // The core's own default is for native rooms; an operator's room keeps what it was given.
                  (void)rooms_.set_capacity(id, capacity_);
                }
                done(outcome, answered);
              });
}

std::optional<PeerId> Memberships::forget(SocketKey socket, const std::string& room) {
  const auto found = visitors_.find(socket);
  if (found == visitors_.end()) return std::nullopt;
  auto& rooms = found->second.rooms;
  const auto entry = std::find_if(rooms.begin(), rooms.end(), [&](const auto& one) { return one.first == room; });
  if (entry == rooms.end()) return std::nullopt;
  PeerId peer = entry->second;
  rooms.erase(entry);
  places_.erase(peer);
  if (const auto name = names_.find(room_id_(room)); name != names_.end() && --name->second.second == 0) names_.erase(name);
  return peer;
}

void Memberships::end(const PeerId& peer, LeaveCause cause) {
  rooms_.leave(peer, cause);
  rooms_.discard(peer);  // what has left by itself, and an admission under way
}

void Memberships::leave(SocketKey socket, const std::string& room, LeaveCause cause) {
  if (const auto peer = forget(socket, room)) end(*peer, cause);
  wait_in_lobby(socket);
}

void Memberships::leave_all(SocketKey socket, LeaveCause cause) {
  while (true) {
    const auto found = visitors_.find(socket);
    if (found == visitors_.end()) return;
    if (found->second.rooms.empty()) break;
    const std::string room = found->second.rooms.back().first;
    if (const auto peer = forget(socket, room)) end(*peer, cause);
  }
  const auto node = visitors_.extract(socket);
  if (!node.mapped().lobby) return;
  const PeerId peer = *node.mapped().lobby;
  places_.erase(peer);
  rooms_.discard(peer);
}

}  // namespace sluice::socketio
