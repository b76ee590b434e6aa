#include <optional>
#include <string>
#include <vector>

#include "control/api/core_operations.hpp"
#include "control/api/operation_terms.hpp"
#include "control/api/room_json.hpp"
#include "control/rooms/random_id.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

using nlohmann::json;

namespace {

constexpr const char* no_such_room = "Room not found";
constexpr std::int64_t capacity_max = 10000;

const Operation::Parameter room_parameter{"roomId", "string", true, "the room"};

/// `maxPeers`: nothing when absent, 0 when it is no number from 1 to 10000.
std::optional<std::size_t> capacity_of(const json& params) {
  const json* value = given(params, "maxPeers");
  if (value == nullptr) return std::nullopt;
  const std::int64_t number = value->is_number_integer() ? value->get<std::int64_t>() : 0;
  return number < 1 || number > capacity_max ? 0 : static_cast<std::size_t>(number);
}

RoomId room_id(const json& params) {
  return RoomId(params["roomId"].get<std::string>());
}

OperationResult create(Rooms& rooms, const json& params, TimePoint now) {
  const std::optional<std::size_t> capacity = capacity_of(params);
  if (capacity == 0U) return invalid_params("maxPeers must be a whole number from 1 to 10000");
  SystemEntropy entropy;
  const RoomId id(text_of(params, "roomId").value_or(random_uuid(entropy)));
  if (const Room* existing = rooms.find_room(id)) return json{{"room", summary_json(*existing)}};
  const json* metadata = given(params, "metadata");
  const auto created = rooms.create(id, metadata == nullptr ? Metadata{} : metadata_of(*metadata), capacity, now);
  if (created) return json{{"room", summary_json(**created)}};
  return invalid_params(created.error() == RoomError::metadata_too_large ? "metadata is too large"
                                                                         : "roomId is blank or too long");
}

OperationResult update(Rooms& rooms, const json& params) {
  const RoomId id = room_id(params);
  if (rooms.find_room(id) == nullptr) return not_found(no_such_room);
  const std::optional<std::size_t> capacity = capacity_of(params);
  if (capacity == 0U) return invalid_params("maxPeers must be a whole number from 1 to 10000");
  if (const json* metadata = given(params, "metadata")) {
    if (!rooms.patch_room_metadata(id, metadata_of(*metadata))) return invalid_params("metadata is too large");
  }
  if (capacity) (void)rooms.set_capacity(id, *capacity);
  return json{{"room", summary_json(*rooms.find_room(id))}};
}

/// `exclude`: one peer id or a list.
std::vector<PeerId> excluded(const json& params) {
  std::vector<PeerId> except;
  const json* exclude = given(params, "exclude");
  if (exclude == nullptr) return except;
  for (const json& peer : exclude->is_array() ? *exclude : json::array({*exclude})) {
    if (peer.is_string()) except.emplace_back(peer.get<std::string>());
  }
  return except;
}

OperationResult broadcast(Rooms& rooms, const json& params) {
  const Room* room = rooms.find_room(room_id(params));
  if (room == nullptr) return not_found(no_such_room);
  const auto payload = params.find("payload");
  if (payload == params.end()) return invalid_params("payload is missing");
  const std::size_t size = room->members().size();
  (void)rooms.post(room->id(), dump_json({{"type", "data"}, {"from", "__admin__"}, {"payload", *payload}}), excluded(params));
  return json{{"sent", size}};
}

OperationResult send(Rooms& rooms, const json& params) {
  const Room* room = rooms.find_room(room_id(params));
  if (room == nullptr) return not_found(no_such_room);
  const std::size_t size = room->members().size();
  (void)rooms.post(room->id(), dump_json(params["message"]), excluded(params));
  return json{{"sent", size}};
}

OperationResult mute_all(Rooms& rooms, const json& params) {
  const Room* room = rooms.find_room(room_id(params));
  if (room == nullptr) return not_found(no_such_room);
  const std::size_t size = room->members().size();
  (void)rooms.post(room->id(), dump_json({{"type", "admin:mute-all"}, {"roomId", room->id().value}}));
  return json{{"muted", size}};
}

}  // namespace

void add_room_operations(Operations& operations, const CoreAccess& access) {
  Rooms& rooms = access.rooms;
  operations.add({"rooms.list", "All rooms", {}, "{rooms: [{id, peerCount, createdAt, metadata, maxPeers}]}",
                  at_once([&rooms](const json&) -> OperationResult {
                    json list = json::array();
                    for (const auto& [id, room] : rooms.rooms()) list.push_back(summary_json(*room));
                    return json{{"rooms", list}};
                  })});
  operations.add({"rooms.get", "One room with its members", {room_parameter},
                  "{id, metadata, peers, createdAt, maxPeers}", at_once([&rooms](const json& params) -> OperationResult {
                    const Room* room = rooms.find_room(room_id(params));
                    if (room == nullptr) return not_found(no_such_room);
                    return state_json(*room, rooms);
                  })});
  operations.add({"rooms.create",
                  "Makes a room, which stays until its last member leaves or it is deleted; an existing one is returned unchanged",
                  {{"roomId", "string", false, "its id; a UUID without"},
                   {"metadata", "object", false, "its metadata"},
                   {"maxPeers", "integer", false, "its capacity, 1 to 10000; signaling.maxPeersPerRoom without"}},
                  "{room: summary}",
                  at_once([&rooms, now = access.now](const json& params) { return create(rooms, params, now()); })});
  operations.add({"rooms.update",
                  "Merges metadata (null is stored; members get room:updated), changes the capacity",
                  {room_parameter,
                   {"metadata", "object", false, "keys to set"},
                   {"maxPeers", "integer", false, "new capacity; puts nobody out"}},
                  "{room: summary}",
                  at_once([&rooms](const json& params) { return update(rooms, params); })});
  operations.add({"rooms.delete", "Puts every member out (\"Room destroyed by admin\") and removes the room", {room_parameter},
                  "{destroyed: roomId}", at_once([&rooms](const json& params) -> OperationResult {
                    const RoomId id = room_id(params);
                    if (!rooms.destroy(id)) return not_found(no_such_room);
                    return json{{"destroyed", id.value}};
                  })});
  operations.add({"rooms.broadcast",
                  "Sends every member `data` from __admin__",
                  {room_parameter,
                   {"payload", "any", false, "any JSON; must be there, may be null"},
                   {"exclude", "any", false, "a peer id or a list of them"}},
                  "{sent: members of the room}",
                  at_once([&rooms](const json& params) { return broadcast(rooms, params); })});
  operations.add({"rooms.send",
                  "Sends every member a message of your own",
                  {room_parameter,
                   {"message", "object", true, "the whole message, with its type"},
                   {"exclude", "any", false, "a peer id or a list of them"}},
                  "{sent: members of the room}",
                  at_once([&rooms](const json& params) { return send(rooms, params); })});
  operations.add({"rooms.muteAll", "Asks every member to mute itself (admin:mute-all)", {room_parameter},
                  "{muted: members of the room}", at_once([&rooms](const json& params) { return mute_all(rooms, params); })});
}

}  // namespace sluice
