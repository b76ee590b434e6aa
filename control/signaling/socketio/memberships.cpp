#include "control/signaling/socketio/memberships.hpp"

#include <algorithm>

#include "control/json/json_writer.hpp"

namespace sluice::socketio {

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
    forget(place.socket, place.room);  // the core itself ends the peer
    put_out_(place.socket, place.room, fact);
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
    if (found != places_.end()) posted(found->second.room, found->second.socket, "server-message", fact.message);
  }));
}

std::optional<std::string> Memberships::room_name(const RoomId& id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? std::nullopt : std::optional(found->second.first);
}

bool Memberships::has(SocketKey socket, const std::string& room) const {
  const auto found = peers_.find(socket);
  return found != peers_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const auto& entry) { return entry.first == room; });
}

std::size_t Memberships::count(SocketKey socket) const {
  const auto found = peers_.find(socket);
  return found == peers_.end() ? 0 : found->second.size();
}

std::optional<std::string> Memberships::refuse_connection(std::string_view ip, TimePoint now) {
  return guard_ == nullptr ? std::nullopt : guard_->refuse_connection(ip, now);
}

bool Memberships::passes(SocketKey socket, const GuardedMessage& message, TimePoint now) {
  const auto found = guard_ == nullptr ? peers_.end() : peers_.find(socket);
  if (found == peers_.end()) return true;
  const PeerId peer = found->second.front().second;  // any of its peers stands for it; a copy, as it may be put out
  return guard_->check(peer, message, now) == GuardVerdict::pass;
}

void Memberships::join(SocketKey socket, const std::string& room, std::string_view ip, const Metadata& metadata,
                       TimePoint now, Joined done) {
  if (has(socket, room)) return;
  const RoomId id = room_id_(room);
  const bool made = rooms_.find_room(id) == nullptr;
  const PeerId peer = rooms_.connect(dialect_, std::string(ip));
  peers_[socket].emplace_back(room, peer);
  places_[peer] = {socket, room};
  auto& [name, uses] = names_[id];
  name = room;
  ++uses;
  rooms_.join(peer, id, metadata, now,
              [this, peer, id, made, socket, room, done = std::move(done)](const JoinOutcome& outcome, TimePoint answered) {
                if (!outcome) {
                  forget(socket, room);
                  if (outcome.error().keeps_peer()) rooms_.discard(peer);
                } else if (made) {
                  // The core's own default is for native rooms; an operator's room keeps what it was given.
                  (void)rooms_.set_capacity(id, capacity_);
                }
                done(outcome, answered);
              });
}

std::optional<PeerId> Memberships::forget(SocketKey socket, const std::string& room) {
  const auto found = peers_.find(socket);
  if (found == peers_.end()) return std::nullopt;
  const auto entry =
      std::find_if(found->second.begin(), found->second.end(), [&](const auto& one) { return one.first == room; });
  if (entry == found->second.end()) return std::nullopt;
  PeerId peer = entry->second;
  found->second.erase(entry);
  if (found->second.empty()) peers_.erase(found);
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
}

void Memberships::leave_all(SocketKey socket, LeaveCause cause) {
  while (true) {
    const auto found = peers_.find(socket);
    if (found == peers_.end()) return;
    const std::string room = found->second.back().first;
    leave(socket, room, cause);
  }
}

}  // namespace sluice::socketio
