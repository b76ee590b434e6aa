#include "control/rooms/rooms.hpp"

#include <algorithm>
#include <utility>

#include "control/rooms/random_id.hpp"

namespace sluice {

Rooms::Rooms(Bus& bus, Entropy& entropy, RoomsOptions options, std::function<std::int64_t(TimePoint)> unix_ms)
    : bus_(bus), entropy_(entropy), options_(options), unix_ms_(std::move(unix_ms)) {}

// --- peers ----------------------------------------------------------------------------------------------------------------

PeerId Rooms::connect(std::string dialect, std::string ip) {
  PeerId id;
  do {
    id = PeerId(random_uuid(entropy_));
  } while (peers_.contains(id));
  peers_.emplace(id, std::make_unique<Peer>(id, dialect, ip));
  bus_.publish(PeerConnected{id, std::move(dialect), std::move(ip)});
  return id;
}

void Rooms::discard(const PeerId& peer) {
  const Peer* found = find_peer(peer);
  if (found != nullptr && !found->room_) close(PeerId(peer));
}

void Rooms::leave(const PeerId& peer, LeaveCause cause) {
  Peer* found = peer_of(peer);
  if (found == nullptr || !found->room_) return;
  const RoomId room_id = *found->room_;
  found->state_ = cause == LeaveCause::left ? PeerState::connecting : PeerState::closed;
  const PeerLeft fact{found->snapshot(), room_id, cause};
  found->room_.reset();
  // Whoever leaves by himself may join again on the same connection, as a newcomer: nothing he carried counts any more.
  found->metadata_ = {};
  found->restrictions_ = {};
  const PeerId id = found->id_;
  if (cause != LeaveCause::left) peers_.erase(id);
  Room* room = room_of(room_id);
  std::erase(room->members_, id);
  const bool last = room->members_.empty() && options_.auto_destroy_rooms;
  bus_.publish(fact);
  // A subscriber may have let somebody in or removed the room meanwhile.
  room = room_of(room_id);
  if (last && room != nullptr && room->members_.empty()) remove_room(room_id);
  if (cause != LeaveCause::left) bus_.publish(PeerClosed{id});
}

void Rooms::suspend(const PeerId& peer, TimePoint until) {
  Peer* found = peer_of(peer);
  if (found == nullptr || !found->room_) return;
  found->state_ = PeerState::reconnecting;
  bus_.publish(PeerSuspended{found->id_, *found->room_, until});
}

bool Rooms::resume(const PeerId& peer) {
  Peer* found = peer_of(peer);
  if (found == nullptr || !found->room_) return false;
  found->state_ = PeerState::joined;
  bus_.publish(PeerReconnected{found->snapshot(), *found->room_});
  return true;
}

bool Rooms::kick(const PeerId& peer, std::string reason, std::optional<std::string> by, LeaveCause cause) {
  return put_out(peer, {{}, {}, cause, std::move(reason), std::move(by), {}});
}

bool Rooms::disconnect(const PeerId& peer, std::uint16_t close_code, std::string reason) {
  return put_out(peer, {{}, {}, LeaveCause::kicked, std::move(reason), std::nullopt, close_code});
}

bool Rooms::put_out(const PeerId& peer, PeerKicked fact) {
  const Peer* found = find_peer(peer);
  if (found == nullptr) return false;
  fact.peer = found->id_;
  fact.room = found->room_;
  bus_.publish(fact);
  leave(fact.peer, fact.cause);
  discard(fact.peer);  // one that was in no room
  return true;
}

bool Rooms::patch_peer_metadata(const PeerId& peer, const Metadata& patch) {
  Peer* found = peer_of(peer);
  if (found == nullptr) return false;
  Metadata merged = found->metadata_;
  merged.merge(patch, Metadata::NullMeans::remove);
  if (!within_limits(merged)) return false;
  found->metadata_ = std::move(merged);
  bus_.publish(PeerMetadataChanged{found->id_, found->room_, patch});
  return true;
}

bool Rooms::restrict_media(const PeerId& peer, Restriction why, MediaDirection direction, bool on) {
  Peer* found = peer_of(peer);
  if (found == nullptr || !found->room_) return false;
  if (found->restrictions_.set(why, direction, on)) {
    bus_.publish(PeerRestricted{found->id_, *found->room_, found->restrictions_});
  }
  return true;
}

void Rooms::distrust_media(const PeerId& peer, std::uint64_t epoch, bool send_closed, bool receive_closed) {
  Peer* found = peer_of(peer);
  if (found == nullptr || !found->room_ || epoch < found->restrictions_.epoch) return;
  found->restrictions_.epoch = epoch + 1;
  if (send_closed) (void)found->restrictions_.set(Restriction::unknown, MediaDirection::send, true);
  if (receive_closed) (void)found->restrictions_.set(Restriction::unknown, MediaDirection::receive, true);
  bus_.publish(PeerRestricted{found->id_, *found->room_, found->restrictions_});
}

bool Rooms::allows(const PeerId& peer, MemberAction action) const {
  return std::all_of(permissions_.begin(), permissions_.end(),
                     [&](const Permissions* permissions) { return permissions->allows(peer, action); });
}

void Rooms::close(const PeerId& peer) {
  if (peers_.erase(peer) != 0) bus_.publish(PeerClosed{peer});
}

// --- rooms ----------------------------------------------------------------------------------------------------------------

bool Rooms::valid_id(const RoomId& room) const {
  return room.value.size() <= options_.room_id_bytes_max && !is_blank(room.value);
}

bool Rooms::within_limits(const Metadata& metadata) const {
  return metadata.size() <= options_.metadata_keys_max && metadata.bytes() <= options_.metadata_bytes_max;
}

bool Rooms::guarded(const RoomId& room, const Metadata& metadata) const {
  return std::all_of(guards_.begin(), guards_.end(), [&](RoomGuard* guard) { return guard->allows(room, metadata); });
}

Room& Rooms::add_room(RoomId room, Metadata metadata, std::size_t capacity, TimePoint now) {
  auto made = std::make_unique<Room>(room, capacity, unix_ms_(now));
  made->metadata_ = std::move(metadata);
  Room& result = *made;
  rooms_.emplace(std::move(room), std::move(made));
  bus_.publish(RoomCreated{result.id_, result.metadata_});
  return result;
}

void Rooms::remove_room(const RoomId& room) {
  const RoomId id = room;  // NOLINT(performance-unnecessary-copy-initialization): `room` may lie in the room itself
  rooms_.erase(id);
  bus_.publish(RoomDestroyed{id});
}

Result<const Room*, RoomError> Rooms::create(RoomId room, Metadata metadata, std::optional<std::size_t> capacity,
                                             TimePoint now) {
  if (!valid_id(room)) return unexpected(RoomError::invalid_id);
  if (capacity == std::size_t{0}) return unexpected(RoomError::invalid_capacity);
  if (!within_limits(metadata)) return unexpected(RoomError::metadata_too_large);
  if (rooms_.contains(room)) return unexpected(RoomError::already_exists);
  if (!guarded(room, metadata)) return unexpected(RoomError::rejected);
  const RoomId id = room;
  add_room(std::move(room), std::move(metadata), capacity.value_or(options_.max_peers_per_room), now);
  return find_room(id);
}

Result<void, RoomError> Rooms::destroy(const RoomId& room, const std::string& reason) {
  const Room* found = find_room(room);
  if (found == nullptr) return unexpected(RoomError::not_found);
  const RoomId id = found->id_;
  // The last kick destroys the room itself when rooms are destroyed automatically.
  for (const PeerId& member : std::vector<PeerId>(found->members_))
    kick(member, reason, std::nullopt, LeaveCause::room_destroyed);
  if (rooms_.contains(id)) remove_room(id);
  return {};
}

Result<void, RoomError> Rooms::patch_room_metadata(const RoomId& room, const Metadata& patch) {
  Room* found = room_of(room);
  if (found == nullptr) return unexpected(RoomError::not_found);
  Metadata merged = found->metadata_;
  merged.merge(patch, Metadata::NullMeans::store);
  if (!within_limits(merged)) return unexpected(RoomError::metadata_too_large);
  if (!guarded(room, merged)) return unexpected(RoomError::rejected);
  found->metadata_ = std::move(merged);
  bus_.publish(RoomMetadataChanged{found->id_, patch});
  return {};
}

Result<void, RoomError> Rooms::set_capacity(const RoomId& room, std::size_t capacity) {
  Room* found = room_of(room);
  if (found == nullptr) return unexpected(RoomError::not_found);
  if (capacity == 0) return unexpected(RoomError::invalid_capacity);
  found->capacity_ = capacity;
  bus_.publish(RoomCapacityChanged{found->id_, capacity});
  return {};
}

// --- messages
// ---------------------------------------------------------------------------------------------------------------

bool Rooms::relay_data(const PeerId& from, const std::optional<PeerId>& target, std::string payload) {
  const Peer* sender = find_peer(from);
  if (sender == nullptr || !sender->room_ || !allows(from, MemberAction::data)) return false;
  if (target && !same_room(from, *target)) return false;
  bus_.publish(DataRelayed{*sender->room_, from.value, target, std::move(payload)});
  return true;
}

Result<void, RoomError> Rooms::broadcast_data(const RoomId& room, std::string payload) {
  if (!rooms_.contains(room)) return unexpected(RoomError::not_found);
  bus_.publish(DataRelayed{room, "__admin__", std::nullopt, std::move(payload)});
  return {};
}

Result<void, RoomError> Rooms::post(const RoomId& room, std::string message, std::vector<PeerId> except) {
  if (!rooms_.contains(room)) return unexpected(RoomError::not_found);
  bus_.publish(RoomMessagePosted{room, std::move(message), std::move(except)});
  return {};
}

bool Rooms::post(const PeerId& peer, std::string message) {
  if (!peers_.contains(peer)) return false;
  bus_.publish(PeerMessagePosted{peer, std::move(message)});
  return true;
}

// --- looking
// ----------------------------------------------------------------------------------------------------------------

const Peer* Rooms::find_peer(const PeerId& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

Peer* Rooms::peer_of(const PeerId& peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

const Room* Rooms::find_room(const RoomId& room) const {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : found->second.get();
}

Room* Rooms::room_of(const RoomId& room) {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : found->second.get();
}

bool Rooms::same_room(const PeerId& a, const PeerId& b) const {
  const Peer* first = find_peer(a);
  const Peer* second = find_peer(b);
  return first != nullptr && second != nullptr && first->room_ && first->room_ == second->room_;
}

// --- restoring
// ----------------------------------------------------------------------------------------------------------------

bool Rooms::restore_room(const RoomId& room, Metadata metadata, std::size_t capacity, std::int64_t created_at,
                         bool visited) {
  if (rooms_.contains(room)) return false;
  auto made = std::make_unique<Room>(room, capacity, created_at);
  made->metadata_ = std::move(metadata);
  made->visited_ = visited;
  rooms_.emplace(room, std::move(made));
  return true;
}

void Rooms::forget_restored_room(const RoomId& room) {
  const Room* found = find_room(room);
  if (found != nullptr && found->members_.empty()) rooms_.erase(RoomId(room));
}

bool Rooms::restore_member(const PeerSnapshot& peer, std::string dialect, std::string ip, std::uint64_t join_number,
                           const Restrictions& restrictions) {
  Room* room = peer.room ? room_of(*peer.room) : nullptr;
  if (room == nullptr || peers_.contains(peer.id)) return false;
  auto made = std::make_unique<Peer>(peer.id, std::move(dialect), std::move(ip));
  made->state_ = PeerState::reconnecting;
  made->room_ = peer.room;
  made->metadata_ = peer.metadata;
  made->join_number_ = join_number;
  made->restrictions_ = restrictions;
  peers_.emplace(peer.id, std::move(made));
  room->members_.push_back(peer.id);
  last_join_number_ = std::max(last_join_number_, join_number);
  return true;
}

}  // namespace sluice
