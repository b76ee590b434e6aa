#include "control/embedding/mirror.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::embedding {

using nlohmann::json;

namespace {

std::string text(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

/// `null` removes (peers) or is kept (rooms).
void merge(json& metadata, const json* patch, bool null_removes) {
  if (patch == nullptr || !patch->is_object()) return;
  for (const auto& [key, value] : patch->items()) {
    if (null_removes && value.is_null()) {
      metadata.erase(key);
    } else {
      metadata[key] = value;
    }
  }
}

}  // namespace

json snapshot_of(const PeerRecord& peer) {
  return {{"id", peer.id},
          {"roomId", peer.room_id ? json(*peer.room_id) : json(nullptr)},
          {"state", peer.state},
          {"metadata", peer.metadata}};
}

json summary_of(const RoomRecord& room) {
  return {{"id", room.id}, {"peerCount", room.members.size()}, {"createdAt", room.created_at}, {"metadata", room.metadata}};
}

std::shared_ptr<PeerRecord> Mirror::peer(std::string_view id) const {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : found->second;
}

std::shared_ptr<RoomRecord> Mirror::room(std::string_view id) const {
  const auto found = rooms_.find(id);
  return found == rooms_.end() ? nullptr : found->second;
}

std::shared_ptr<RoomRecord> Mirror::take_room(const json& summary) {
  const std::string id = text(summary, "id");
  if (id.empty()) return nullptr;
  auto& record = rooms_[id];
  if (record == nullptr) record = std::make_shared<RoomRecord>();
  record->id = id;
  if (const json* metadata = member(summary, "metadata"); metadata != nullptr && metadata->is_object())
    record->metadata = *metadata;
  if (const json* limit = member(summary, "maxPeers"); limit != nullptr && limit->is_number_integer() && *limit >= 0)
    record->max_peers = limit->get<std::size_t>();
  if (const json* at = member(summary, "createdAt"); at != nullptr && at->is_number_integer())
    record->created_at = at->get<std::int64_t>();
  return record;
}

std::shared_ptr<PeerRecord> Mirror::take_peer(const json& snapshot) {
  const std::string id = text(snapshot, "id");
  if (id.empty()) return nullptr;
  auto& record = peers_[id];
  if (record == nullptr) record = std::make_shared<PeerRecord>();
  record->id = id;
  if (const std::string state = text(snapshot, "state"); !state.empty()) record->state = state;
  if (const json* metadata = member(snapshot, "metadata"); metadata != nullptr && metadata->is_object())
    record->metadata = *metadata;
  return record;
}

void Mirror::enter(const std::shared_ptr<PeerRecord>& peer, const std::string& room_id) {
  if (peer->room_id && *peer->room_id != room_id) leave_room(peer);
  peer->room_id = room_id;
  auto found = room(room_id);
  // Before the first snapshot events may be about rooms that nobody has told us of; the snapshot completes them.
  if (found == nullptr) found = take_room({{"id", room_id}});
  if (found == nullptr) return;
  auto& members = found->members;
  if (std::find(members.begin(), members.end(), peer->id) == members.end()) members.push_back(peer->id);
}

void Mirror::leave_room(const std::shared_ptr<PeerRecord>& peer) {
  if (!peer->room_id) return;
  if (const auto found = room(*peer->room_id); found != nullptr) std::erase(found->members, peer->id);
  peer->room_id.reset();
}

void Mirror::forget_peer(const std::string& id) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  leave_room(found->second);
  found->second->state = "closed";
  peers_.erase(found);
}

void Mirror::forget_room(const std::string& id) {
  const auto found = rooms_.find(id);
  if (found == rooms_.end()) return;
  found->second->gone = true;
  rooms_.erase(found);
}

Notice Mirror::apply(std::string name, json data, std::uint64_t number) {
  Notice notice{std::move(name), std::move(data), number, nullptr, nullptr};
  const json* snapshot = member(notice.data, "peer");
  std::string peer_id = text(notice.data, "peerId");
  if (peer_id.empty() && snapshot != nullptr) peer_id = text(*snapshot, "id");
  if (peer_id.empty()) peer_id = text(notice.data, "from");
  notice.peer = peer(peer_id);
  notice.room = room(text(notice.data, "roomId"));
  change(notice.name, notice.data, notice);
  return notice;
}

void Mirror::change(const std::string& name, const json& data, Notice& notice) {
  if (name == "room:created") {
    if (const json* summary = member(data, "room")) notice.room = take_room(*summary);
  } else if (name == "room:destroyed") {
    forget_room(text(data, "roomId"));
  } else if (name == "room:updated") {
    if (notice.room != nullptr) merge(notice.room->metadata, member(data, "patch"), false);
  } else if (name == "peer:connected") {
    notice.peer = take_peer({{"id", text(data, "peerId")}, {"state", "connecting"}});
  } else if (name == "peer:joined" || name == "peer:reconnected") {
    if (const json* snapshot = member(data, "peer")) notice.peer = take_peer(*snapshot);
    if (notice.peer == nullptr) return;
    enter(notice.peer, text(data, "roomId"));
    notice.room = room(text(data, "roomId"));
  } else if (name == "peer:suspended") {
    if (notice.peer != nullptr) notice.peer->state = "reconnecting";
  } else if (name == "peer:updated") {
    if (notice.peer != nullptr) merge(notice.peer->metadata, member(data, "patch"), true);
  } else if (name == "peer:left") {
    if (notice.peer == nullptr) return;
    leave_room(notice.peer);
    const bool stays = text(data, "cause") == "left";
    notice.peer->state = stays ? "connecting" : "closed";
    if (stays) notice.peer->metadata = json::object();
  } else if (name == "peer:disconnected") {
    forget_peer(text(data, "peerId"));
  }
}

std::vector<Notice> Mirror::reconcile(const json& snapshot) {
  std::vector<Notice> notices;
  const bool tell = std::exchange(has_snapshot_, true);
  const auto notify = [&](const char* name, json data, std::shared_ptr<PeerRecord> of, std::shared_ptr<RoomRecord> in) {
    if (tell) notices.push_back({name, std::move(data), 0, std::move(of), std::move(in)});
  };
  const json empty = json::array();
  const auto list = [&empty](const json& object, const char* name) -> const json& {
    const json* found = member(object, name);
    return found != nullptr && found->is_array() ? *found : empty;
  };

  // Who is there now, and where.
  std::set<std::string> rooms_now;
  std::map<std::string, std::string> places;  // peer -> room; empty: in none
  for (const json& entry : list(snapshot, "rooms")) {
    rooms_now.insert(text(entry, "id"));
    for (const json& one : list(entry, "peers")) places[text(one, "id")] = text(entry, "id");
  }
  for (const json& one : list(snapshot, "peers")) places[text(one, "id")];

  // Who left meanwhile, before who came.
  const Peers known = peers_;
  for (const auto& [id, record] : known) {
    const auto place = places.find(id);
    const bool left = record->room_id && (place == places.end() || place->second != *record->room_id);
    if (left) {
      json data{{"peer", snapshot_of(*record)}, {"roomId", *record->room_id}, {"cause", "unknown"}};
      const auto in = room(*record->room_id);
      leave_room(record);
      notify("peer:left", std::move(data), record, in);
    }
    if (place != places.end()) continue;
    forget_peer(id);
    notify("peer:disconnected", {{"peerId", id}}, record, nullptr);
  }
  const Rooms known_rooms = rooms_;
  for (const auto& [id, record] : known_rooms) {
    if (rooms_now.contains(id)) continue;
    forget_room(id);
    notify("room:destroyed", {{"roomId", id}}, nullptr, record);
  }
  for (const json& entry : list(snapshot, "rooms")) {
    const bool is_new = room(text(entry, "id")) == nullptr;
    const auto record = take_room(entry);
    if (record == nullptr) continue;
    if (is_new) notify("room:created", {{"roomId", record->id}, {"room", summary_of(*record)}}, nullptr, record);
    record->members.clear();
    for (const json& one : list(entry, "peers")) {
      const auto before = peer(text(one, "id"));
      const std::string state_before = before != nullptr && before->room_id ? before->state : "";
      const auto member_record = take_peer(one);
      if (member_record == nullptr) continue;
      enter(member_record, record->id);
      json data{{"peer", snapshot_of(*member_record)}, {"roomId", record->id}, {"peerId", member_record->id}};
      if (state_before.empty()) {
        notify("peer:joined", std::move(data), member_record, record);
      } else if (state_before != member_record->state) {
        notify(member_record->state == "reconnecting" ? "peer:suspended" : "peer:reconnected", std::move(data),
               member_record, record);
      }
    }
  }
  for (const json& one : list(snapshot, "peers")) {
    const bool is_new = peer(text(one, "id")) == nullptr;
    const auto record = take_peer(one);
    if (record != nullptr && is_new) notify("peer:connected", {{"peerId", record->id}}, record, nullptr);
  }
  return notices;
}

}  // namespace sluice::embedding
