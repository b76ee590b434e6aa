#include <algorithm>
#include <string>

#include "control/api/core_operations.hpp"
#include "control/api/operation_terms.hpp"
#include "control/api/room_json.hpp"

namespace sluice {

using nlohmann::json;

namespace {

constexpr const char* no_such_peer = "Peer not found";
const Operation::Parameter peer_parameter{"peerId", "string", true, "the peer"};

PeerId peer_id(const json& params) {
  return PeerId(params["peerId"].get<std::string>());
}

/// Peer metadata is flat (contract section 7).
bool is_flat(const json& patch) {
  return std::none_of(patch.begin(), patch.end(), [](const json& value) { return value.is_structured(); });
}

}  // namespace

void add_peer_operations(Operations& operations, const CoreAccess& access) {
  Rooms& rooms = access.rooms;
  operations.add({"peers.list",
                  "All connected and held peers",
                  {{"roomId", "string", false, "only the members of this room, in join order"}},
                  "{peers: [{id, roomId, state, metadata}]}", at_once([&rooms](const json& params) -> OperationResult {
                    json list = json::array();
                    if (const auto room = text_of(params, "roomId")) {
                      const Room* found = rooms.find_room(RoomId(*room));
                      if (found == nullptr) return not_found("Room not found");
                      return json{{"peers", state_json(*found, rooms)["peers"]}};
                    }
                    for (const auto& [id, peer] : rooms.peers()) list.push_back(snapshot_json(peer->snapshot()));
                    return json{{"peers", list}};
                  })});
  operations.add({"peers.get", "One peer, with what only operators see", {peer_parameter},
                  "{id, roomId, state, metadata, dialect, ip}", at_once([&rooms](const json& params) -> OperationResult {
                    const Peer* peer = rooms.find_peer(peer_id(params));
                    if (peer == nullptr) return not_found(no_such_peer);
                    json result = snapshot_json(peer->snapshot());
                    result["dialect"] = peer->dialect();
                    result["ip"] = peer->ip();
                    return result;
                  })});
  operations.add({"peers.kick",
                  "Puts a peer out: it gets `kicked {reason}`, its connection is closed",
                  {peer_parameter, {"reason", "string", false, "\"Kicked by admin\" without"}},
                  "{kicked: peerId, reason}", at_once([&rooms](const json& params) -> OperationResult {
                    const PeerId id = peer_id(params);
                    std::string reason = text_of(params, "reason").value_or("");
                    if (reason.empty()) reason = "Kicked by admin";
                    if (!rooms.kick(id, reason)) return not_found(no_such_peer);
                    return json{{"kicked", id.value}, {"reason", reason}};
                  })});
  operations.add({"peers.send",
                  "Sends a peer a message of your own",
                  {peer_parameter, {"message", "object", true, "the whole message, with its type"}},
                  "{sent: peerId}", at_once([&rooms](const json& params) -> OperationResult {
                    const PeerId id = peer_id(params);
                    if (!rooms.post(id, dump_json(params["message"]))) return not_found(no_such_peer);
                    return json{{"sent", id.value}};
                  })});
  operations.add({"peers.update",
                  "Merges into a peer's metadata (null removes); the others get peer:updated",
                  {peer_parameter, {"metadata", "object", true, "texts, numbers, booleans, null"}},
                  "{peer}", at_once([&rooms](const json& params) -> OperationResult {
                    const PeerId id = peer_id(params);
                    if (rooms.find_peer(id) == nullptr) return not_found(no_such_peer);
                    const json& patch = params["metadata"];
                    if (!is_flat(patch)) return invalid_params("metadata of a peer is flat");
                    if (!rooms.patch_peer_metadata(id, metadata_of(patch))) return invalid_params("metadata is too large");
                    return json{{"peer", snapshot_json(rooms.find_peer(id)->snapshot())}};
                  })});
}

}  // namespace sluice
