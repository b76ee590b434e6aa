#include "control/api/room_json.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "control/json/json_view.hpp"

namespace sluice {

using nlohmann::json;

json metadata_json(const Metadata& metadata) {
  json object = json::object();
  for (const auto& [key, raw] : metadata.entries()) object[key] = json::parse(raw, nullptr, false);
  return object;
}

Metadata metadata_of(const json& object) {
  Metadata metadata;
  for (const auto& [key, value] : object.items()) metadata.set(key, dump_json(value));
  return metadata;
}

json summary_json(const Room& room) {
  return {{"id", room.id().value},
          {"peerCount", room.members().size()},
          {"createdAt", room.created_at()},
          {"metadata", metadata_json(room.metadata())},
          {"maxPeers", room.capacity()}};
}

json state_json(const Room& room, const Rooms& rooms) {
  json members = json::array();
  for (const PeerId& id : room.members()) {
    if (const Peer* peer = rooms.find_peer(id)) members.push_back(snapshot_json(peer->snapshot()));
  }
  return {{"id", room.id().value},
          {"metadata", metadata_json(room.metadata())},
          {"peers", members},
          {"createdAt", room.created_at()},
          {"maxPeers", room.capacity()}};
}

json snapshot_json(const PeerSnapshot& peer) {
  const json room = peer.room ? json(peer.room->value) : json(nullptr);
  return {
      {"id", peer.id.value}, {"roomId", room}, {"state", to_string(peer.state)}, {"metadata", metadata_json(peer.metadata)}};
}

json producer_json(const Publication& publication) {
  return {{"id", publication.id.value},
          {"peerId", publication.peer.value},
          {"trackId", publication.track_id},
          {"kind", to_string(publication.kind)},
          {"roomId", publication.room.value},
          {"layers", publication.layers},
          {"activeLayer", publication.layers.empty() ? "" : publication.layers.back()},
          {"paused", publication.paused},
          {"createdAt", publication.created_at}};
}

json consumer_json(const Subscription& subscription, const Publication* publication) {
  return {{"id", subscription.id.value},
          {"subscriberPeerId", subscription.subscriber.value},
          {"producerId", subscription.producer.value},
          {"roomId", subscription.room.value},
          {"kind", publication == nullptr ? "" : std::string(to_string(publication->kind))},
          {"paused", subscription.paused},
          {"activeLayer", subscription.active_layer},
          {"createdAt", subscription.created_at}};
}

std::string iso_time(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(unix_ms % 1000));
  return text.data();
}

std::optional<json> parse_json(std::string_view text) {
  const std::optional<JsonView> view = JsonView::parse(text);
  if (!view) return std::nullopt;
  json value = json::parse(view->well_formed(), nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice
