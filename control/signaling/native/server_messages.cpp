#include "control/signaling/native/server_messages.hpp"

#include "control/signaling/room_names/room_names.hpp"

namespace sluice::native {

std::string metadata_json(const Metadata& metadata) {
  JsonWriter out;
  for (const auto& [key, value] : metadata.entries()) out.raw(key, value);
  return out.finish();
}

std::string texts_json(const std::vector<std::string>& texts) {
  JsonArrayWriter out;
  for (const std::string& text : texts) out.string(text);
  return out.finish();
}

std::string snapshot_json(const PeerSnapshot& peer) {
  JsonWriter out;
  out.string("id", peer.id.value);
  if (peer.room) {
    out.string("roomId", plain_room_name(*peer.room));
  } else {
    out.null("roomId");
  }
  return out.string("state", to_string(peer.state)).raw("metadata", metadata_json(peer.metadata)).finish();
}

std::string members_json(const Rooms& rooms, const Room& room, const PeerId& except) {
  JsonArrayWriter out;
  for (const PeerId& member : room.members()) {
    const Peer* peer = rooms.find_peer(member);
    if (peer != nullptr && member != except) out.raw(snapshot_json(peer->snapshot()));
  }
  return out.finish();
}

JsonWriter error(std::string_view code) {
  JsonWriter out("error");
  out.string("code", code);
  return out;
}

std::string error_text(std::string_view code, std::string_view message) {
  JsonWriter out = error(code);
  if (!message.empty()) out.string("message", message);
  return out.finish();
}

std::string policy_denied(std::string_view action) {
  return error("POLICY_DENIED").string("action", action).string("cap", action).finish();
}

std::string connected(const PeerId& peer) {
  return JsonWriter("connected").string("peerId", peer.value).finish();
}

std::string room_joined(const Rooms& rooms, const Room& room, const PeerId& peer, const std::optional<std::string>& token,
                        const std::optional<std::string>& ice_servers) {
  JsonWriter out("room:joined");
  out.string("roomId", plain_room_name(room.id())).string("peerId", peer.value);
  out.raw("peers", members_json(rooms, room, peer)).raw("metadata", metadata_json(room.metadata()));
  if (token) out.string("reconnectToken", *token);
  if (ice_servers) out.raw("iceServers", *ice_servers);
  return out.finish();
}

std::string room_state(const Rooms& rooms, const Room& room, const PeerId& peer, const std::optional<std::string>& token,
                       std::int64_t last_seq) {
  JsonWriter out("room:state");
  out.string("roomId", plain_room_name(room.id())).string("peerId", peer.value);
  out.raw("peers", members_json(rooms, room, peer)).raw("metadata", metadata_json(room.metadata()));
  if (token) out.string("reconnectToken", *token);
  return out.integer("lastSeq", last_seq).finish();
}

std::string kicked(std::string_view reason, const std::optional<std::string>& by) {
  JsonWriter out("kicked");
  out.string("reason", reason);
  if (by) out.string("by", *by);
  return out.finish();
}

std::string relayed(std::string_view type, std::string_view from, std::string_view key, std::string_view raw) {
  return JsonWriter(type).string("from", from).raw(key, raw).finish();
}

}  // namespace sluice::native
