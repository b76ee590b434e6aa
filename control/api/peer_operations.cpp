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

/// A token is a key: it is shown to who may use the control socket, not to a browser.
OperationResult peer_details(const CoreAccess& access, const json& params, const OperationCaller& caller) {
  const Peer* peer = access.rooms.find_peer(peer_id(params));
  if (peer == nullptr) return not_found(no_such_peer);
  json result = snapshot_json(peer->snapshot());
  result["dialect"] = peer->dialect();
  result["ip"] = peer->ip();
  if (access.connection_times != nullptr) result["connectedAt"] = access.connection_times->of(peer->id());
  if (access.sessions != nullptr && caller.origin == "control-socket") {
    const auto token = access.sessions->token(peer->id());
    result["reconnectToken"] = token ? json(*token) : json(nullptr);
  }
  return result;
}

/// What may stand in a close frame (RFC 6455 section 7.4).
bool is_close_code(std::int64_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

OperationResult close_peer(Rooms& rooms, const json& params) {
  const PeerId id = peer_id(params);
  const std::int64_t code = params.value("code", std::int64_t{1000});
  if (!is_close_code(code)) return invalid_params("code must be one that a close frame may carry, such as 1000 or 4000");
  if (!rooms.disconnect(id, static_cast<std::uint16_t>(code), text_of(params, "reason").value_or("")))
    return not_found(no_such_peer);
  return json{{"closed", id.value}, {"code", code}};
}

void add_peer(const CoreAccess& access, const json& params, const OperationReply& reply) {
  const PeerId id = peer_id(params);
  const Peer* peer = access.rooms.find_peer(id);
  if (peer == nullptr) return reply(not_found(no_such_peer));
  RoomId room(params["roomId"].get<std::string>());
  if (peer->room() == room) return reply(json{{"peer", snapshot_json(peer->snapshot())}});
  if (peer->room()) return reply(refused("The peer is in another room; take it out of that first"));
  if (peer->joining()) return reply(refused("The peer is joining a room already"));
  if (peer->dialect() != "native") return reply(refused("Clients of this protocol choose their rooms themselves"));
  const json* metadata = given(params, "metadata");
  access.rooms.join(id, std::move(room), metadata == nullptr ? Metadata{} : metadata_of(*metadata), access.now(),
                    [&rooms = access.rooms, id, reply](const JoinOutcome& outcome, TimePoint) {
                      const Peer* joined = rooms.find_peer(id);
                      if (outcome && joined != nullptr) return reply(json{{"peer", snapshot_json(joined->snapshot())}});
                      if (outcome) return reply(not_found(no_such_peer));
                      const JoinRefusal& refusal = outcome.error();
                      reply(refused(refusal.message.empty() ? refusal.code : refusal.code + ": " + refusal.message));
                    });
}

OperationResult remove_peer(Rooms& rooms, const json& params) {
  const PeerId id = peer_id(params);
  const Peer* peer = rooms.find_peer(id);
  const RoomId room(params["roomId"].get<std::string>());
  if (peer == nullptr || peer->room() != room) return not_found("Peer not found in this room");
  // A held one has no connection that it could stay on.
  rooms.leave(id, peer->state() == PeerState::reconnecting ? LeaveCause::hold_expired : LeaveCause::left);
  return json{{"removed", id.value}, {"roomId", room.value}};
}

/// Where peers are, and whether.
void add_peer_placing(Operations& operations, const CoreAccess& access) {
  const Operation::Parameter room_parameter{"roomId", "string", true, "the room"};
  operations.add({"rooms.addPeer",
                  "Puts a connected peer into a room, as if it had asked to join: the admission chain decides",
                  {room_parameter, peer_parameter, {"metadata", "object", false, "merged into its metadata before"}},
                  "{peer}",
                  [access](const json& params, const OperationCaller&, const OperationReply& reply) {
                    add_peer(access, params, reply);
                  }});
  operations.add({"rooms.removePeer",
                  "Takes a member out of a room as if it had said leave; its connection stays open",
                  {room_parameter, peer_parameter},
                  "{removed: peerId, roomId}",
                  at_once([&rooms = access.rooms](const json& params) { return remove_peer(rooms, params); })});
  operations.add({"peers.close",
                  "Closes a peer's connection with a code of yours and without a message before; it leaves its room",
                  {peer_parameter,
                   {"code", "integer", false, "of the close frame, default 1000"},
                   {"reason", "string", false, "of the close frame"}},
                  "{closed: peerId, code}",
                  at_once([&rooms = access.rooms](const json& params) { return close_peer(rooms, params); })});
}

}  // namespace

void add_peer_operations(Operations& operations, const CoreAccess& access) {
  Rooms& rooms = access.rooms;
  add_peer_placing(operations, access);
  operations.add({"peers.list",
                  "All connected and held peers",
                  {{"roomId", "string", false, "only the members of this room, in join order"}},
                  "{peers: [{id, roomId, state, metadata}]}",
                  at_once([&rooms](const json& params) -> OperationResult {
                    json list = json::array();
                    if (const auto room = text_of(params, "roomId")) {
                      const Room* found = rooms.find_room(RoomId(*room));
                      if (found == nullptr) return not_found("Room not found");
                      return json{{"peers", state_json(*found, rooms)["peers"]}};
                    }
                    for (const auto& [id, peer] : rooms.peers()) list.push_back(snapshot_json(peer->snapshot()));
                    return json{{"peers", list}};
                  })});
  operations.add(
      {"peers.get",
       "One peer, with what only operators see",
       {peer_parameter},
       "{id, roomId, state, metadata, dialect, ip, connectedAt}; over the control socket reconnectToken, null: none",
       [access](const json& params, const OperationCaller& caller, const OperationReply& reply) {
         reply(peer_details(access, params, caller));
       }});
  operations.add({"peers.kick",
                  "Puts a peer out: it gets `kicked {reason}`, its connection is closed",
                  {peer_parameter, {"reason", "string", false, "\"Kicked by admin\" without"}},
                  "{kicked: peerId, reason}",
                  at_once([&rooms](const json& params) -> OperationResult {
                    const PeerId id = peer_id(params);
                    std::string reason = text_of(params, "reason").value_or("");
                    if (reason.empty()) reason = "Kicked by admin";
                    if (!rooms.kick(id, reason)) return not_found(no_such_peer);
                    return json{{"kicked", id.value}, {"reason", reason}};
                  })});
  operations.add({"peers.send",
                  "Sends a peer a message of your own",
                  {peer_parameter, {"message", "object", true, "the whole message, with its type"}},
                  "{sent: peerId}",
                  at_once([&rooms](const json& params) -> OperationResult {
                    const PeerId id = peer_id(params);
                    if (!rooms.post(id, dump_json(params["message"]))) return not_found(no_such_peer);
                    return json{{"sent", id.value}};
                  })});
  operations.add({"peers.update",
                  "Merges into a peer's metadata (null removes); the others get peer:updated",
                  {peer_parameter, {"metadata", "object", true, "texts, numbers, booleans, null"}},
                  "{peer}",
                  at_once([&rooms](const json& params) -> OperationResult {
                    const PeerId id = peer_id(params);
                    if (rooms.find_peer(id) == nullptr) return not_found(no_such_peer);
                    const json& patch = params["metadata"];
                    if (!is_flat(patch)) return invalid_params("metadata of a peer is flat");
                    if (!rooms.patch_peer_metadata(id, metadata_of(patch))) return invalid_params("metadata is too large");
                    return json{{"peer", snapshot_json(rooms.find_peer(id)->snapshot())}};
                  })});
}

}  // namespace sluice
