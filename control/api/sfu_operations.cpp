#include <algorithm>
#include <optional>
#include <string>

#include "control/api/core_operations.hpp"
#include "control/api/operation_terms.hpp"
#include "control/api/room_json.hpp"

namespace sluice {

using nlohmann::json;

namespace {

/// One answer holds the streams of at most so many peers: a page shows no more, and a message stays small.
constexpr std::size_t peers_max = 500;

const Operation::Parameter producer_parameter{"producerId", "string", true, "the stream"};
const Operation::Parameter consumer_parameter{"consumerId", "string", true, "the subscription"};
const Operation::Parameter room_filter{"roomId", "string", false, "only of this room"};

std::string_view codec_name(Codec codec) {
  switch (codec) {
    case Codec::opus:
      return "opus";
    case Codec::red:
      return "red";
    case Codec::vp8:
      return "VP8";
    case Codec::vp9:
      return "VP9";
    case Codec::h264:
      return "H264";
    case Codec::av1:
      return "AV1";
    case Codec::unknown:
      break;
  }
  return "";
}

json layers_json(const Publication& publication, const PublicationRow& row) {
  json layers = json::array();
  const std::size_t count = std::max<std::size_t>(row.layer_count, 1);
  for (std::size_t i = 0; i < std::min(count, row.layers.size()); ++i) {
    const LayerRow& layer = row.layers[i];
    layers.push_back({{"name", i < publication.layers.size() ? publication.layers[i] : std::string()},
                      {"active", layer.active != 0},
                      {"bitrateBps", layer.bitrate_bps},
                      {"packets", layer.packets},
                      {"lost", layer.lost},
                      {"width", layer.width},
                      {"height", layer.height},
                      {"fps", layer.fps_tenths / 10.0},
                      {"keyFrames", layer.key_frames}});
  }
  return layers;
}

json layer_name(const Publication* publication, std::uint8_t layer) {
  if (layer == no_layer) return nullptr;
  if (publication != nullptr && layer < publication->layers.size()) return publication->layers[layer];
  return "";
}

class Streams {
 public:
  Streams(const Publications& publications, const Media* media, const workers::Workers* workers)
      : publications_(publications), media_(media), workers_(workers) {}

  /// What a peer sends and gets, with what its worker says of it.
  [[nodiscard]] json of(const PeerId& peer) const {
    const auto place = media_ == nullptr ? std::nullopt : media_->place_of(peer);
    const LiveTables* live = place && workers_ != nullptr ? workers_->live(place->worker) : nullptr;
    json result{{"peerId", peer.value},
                {"worker", place ? json(place->worker.value) : json(nullptr)},
                {"transport", live == nullptr ? json(nullptr) : transport(*live, place->transport)},
                {"producers", json::array()},
                {"consumers", json::array()}};
    for (const Publication* publication : publications_.of_publisher(peer)) {
      json entry = producer_json(*publication);
      entry["subscribers"] = publications_.of_publication(publication->id).size();
      if (const auto row = find(live, place ? &place->publications : nullptr, publication->id)) {
        entry["codec"] = codec_name(row->codec);
        entry["forwarded"] = row->forward != 0;
        entry["layerFigures"] = layers_json(*publication, *row);
      }
      result["producers"].push_back(std::move(entry));
    }
    for (const Subscription* subscription : publications_.of_subscriber(peer)) {
      const Publication* publication = publications_.find(subscription->producer);
      json entry = consumer_json(*subscription, publication);
      if (publication != nullptr) entry["publisherPeerId"] = publication->peer.value;
      if (const auto row = find(live, place ? &place->subscriptions : nullptr, subscription->id)) {
        entry["forwardedLayer"] = layer_name(publication, row->current_layer);
        entry["targetLayer"] = layer_name(publication, row->target_layer);
        entry["bitrateBps"] = row->bitrate_bps;
        entry["packets"] = row->packets;
        entry["retransmitted"] = row->retransmitted;
        entry["lossPerMille"] = row->loss_per_mille;
      }
      result["consumers"].push_back(std::move(entry));
    }
    return result;
  }

 private:
  static std::optional<PublicationRow> read(const LiveTables& live, PublicationId id) { return live.publications.read(id); }
  static std::optional<SubscriptionRow> read(const LiveTables& live, SubscriptionId id) {
    return live.subscriptions.read(id);
  }
  template <typename Places, typename WireId>
  static auto find(const LiveTables* live, const Places* places, const WireId& id)
      -> decltype(read(*live, places->front().second)) {
    if (live == nullptr || places == nullptr) return std::nullopt;
    const auto found = std::find_if(places->begin(), places->end(), [&](const auto& place) { return place.first == id; });
    return found == places->end() ? std::nullopt : read(*live, found->second);
  }
  static json transport(const LiveTables& live, TransportId id) {
    const auto row = live.transports.read(id);
    if (!row) return nullptr;
    return {{"state", schema::EnumNameTransportState(row->state)},
            {"rttMs", row->rtt_us / 1000.0},
            {"availableBps", row->available_bps},
            {"packetsIn", row->packets_in},
            {"packetsOut", row->packets_out},
            {"bytesIn", row->bytes_in},
            {"bytesOut", row->bytes_out}};
  }

  const Publications& publications_;
  const Media* media_;
  const workers::Workers* workers_;
};

OperationResult outcome(const Result<void, PublicationError>& result, json done) {
  if (result) return done;
  if (result.error() == PublicationError::no_such_layer) return invalid_params("There is no such layer");
  return not_found("There is no such stream");
}

void add_stream_changes(Operations& operations, Publications& publications) {
  const auto on_producer = [&](const char* name, const char* text, auto change) {
    operations.add({name, text, {producer_parameter}, "{producerId}",
                    at_once([&publications, change](const json& params) -> OperationResult {
                      const ProducerId id(params["producerId"].get<std::string>());
                      const Publication* found = publications.find(id);
                      if (found == nullptr) return not_found("There is no such stream");
                      return outcome(change(publications, PeerId(found->peer), id), {{"producerId", id.value}});
                    })});
  };
  on_producer("sfu.closeProducer", "Ends a stream, as unpublish of its owner",
              [](Publications& all, const PeerId& peer, const ProducerId& id) { return all.unpublish(peer, id); });
  on_producer("sfu.pauseProducer", "Nothing of a stream is forwarded until it is resumed",
              [](Publications& all, const PeerId& peer, const ProducerId& id) {
                return all.set_publication_paused(peer, id, true);
              });
  on_producer("sfu.resumeProducer", "A paused stream is forwarded again",
              [](Publications& all, const PeerId& peer, const ProducerId& id) {
                return all.set_publication_paused(peer, id, false);
              });
  const auto on_consumer = [&](Operation operation, auto change) {
    operation.parameters.insert(operation.parameters.begin(), consumer_parameter);
    operation.handler = at_once([&publications, change](const json& params) -> OperationResult {
      const ConsumerId id(params["consumerId"].get<std::string>());
      const Subscription* found = publications.find(id);
      if (found == nullptr) return not_found("There is no such subscription");
      return outcome(change(publications, PeerId(found->subscriber), id, params), {{"consumerId", id.value}});
    });
    operations.add(std::move(operation));
  };
  on_consumer({"sfu.closeConsumer", "Ends a subscription", {}, "{consumerId}", {}},
              [](Publications& all, const PeerId& peer, const ConsumerId& id, const json&) {
                return all.unsubscribe(peer, id);
              });
  on_consumer({"sfu.pauseConsumer", "Nothing is forwarded to a subscriber until it is resumed", {}, "{consumerId}", {}},
              [](Publications& all, const PeerId& peer, const ConsumerId& id, const json&) {
                return all.set_subscription_paused(peer, id, true);
              });
  on_consumer({"sfu.resumeConsumer", "A paused subscription goes on", {}, "{consumerId}", {}},
              [](Publications& all, const PeerId& peer, const ConsumerId& id, const json&) {
                return all.set_subscription_paused(peer, id, false);
              });
  on_consumer({"sfu.setLayer",
               "The highest layer that a subscriber gets",
               {{"layer", "string", true, "its name"}},
               "{consumerId}",
               {}},
              [](Publications& all, const PeerId& peer, const ConsumerId& id, const json& params) {
                return all.select_layer(peer, id, params["layer"].get_ref<const std::string&>());
              });
}

}  // namespace

void add_sfu_operations(Operations& operations, const CoreAccess& access) {
  Publications& publications = *access.publications;
  operations.add({"sfu.stats", "What the SFU carries", {}, "{rooms, totalProducers, totalConsumers, totalTransports, initialized}",
                  at_once([access, &publications](const json&) -> OperationResult {
                    const Media::Stats stats = access.media == nullptr ? Media::Stats{} : access.media->stats();
                    return json{{"rooms", stats.rooms},
                                {"totalProducers", publications.publications().size()},
                                {"totalConsumers", publications.subscriptions().size()},
                                {"totalTransports", stats.transports},
                                {"transportsConnected", stats.transports_connected},
                                {"initialized", access.media != nullptr}};
                  })});
  operations.add({"sfu.producers", "Streams that members publish", {room_filter}, "{producers: [...]}",
                  at_once([&publications](const json& params) -> OperationResult {
                    json list = json::array();
                    const auto room = text_of(params, "roomId");
                    for (const auto& [id, publication] : publications.publications()) {
                      if (!room || publication.room.value == *room) list.push_back(producer_json(publication));
                    }
                    return json{{"producers", list}};
                  })});
  operations.add({"sfu.consumers", "Subscriptions of members to streams", {room_filter}, "{consumers: [...]}",
                  at_once([&publications](const json& params) -> OperationResult {
                    json list = json::array();
                    const auto room = text_of(params, "roomId");
                    for (const auto& [id, subscription] : publications.subscriptions()) {
                      if (!room || subscription.room.value == *room)
                        list.push_back(consumer_json(subscription, publications.find(subscription.producer)));
                    }
                    return json{{"consumers", list}};
                  })});
  operations.add({"sfu.streams",
                  "What each member sends and gets at this moment: transport, layers, bit rates, losses",
                  {{"roomId", "string", true, "the room"}},
                  "{roomId, worker, peers: [{peerId, transport, producers, consumers}], truncated}",
                  at_once([access, &publications](const json& params) -> OperationResult {
                    const Room* room = access.rooms.find_room(RoomId(params["roomId"].get<std::string>()));
                    if (room == nullptr) return not_found("Room not found");
                    const Streams streams(publications, access.media, access.workers);
                    json peers = json::array();
                    for (const PeerId& peer : room->members()) {
                      if (peers.size() == peers_max) break;
                      peers.push_back(streams.of(peer));
                    }
                    const auto worker =
                        access.workers == nullptr ? std::nullopt : access.workers->worker_of(room->id().value);
                    return json{{"roomId", room->id().value},
                                {"worker", worker ? json(worker->value) : json(nullptr)},
                                {"truncated", peers.size() < room->members().size()},
                                {"peers", std::move(peers)}};
                  })});
  add_stream_changes(operations, publications);
}

}  // namespace sluice
