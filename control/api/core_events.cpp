#include "control/api/core_events.hpp"

#include <optional>
#include <string>

#include "control/api/room_json.hpp"

namespace sluice {

using nlohmann::json;

namespace {

json or_null(const std::optional<RoomId>& room) {
  return room ? json(room->value) : json(nullptr);
}

}  // namespace

CoreEvents::CoreEvents(Bus& bus, EventFeed& feed, const Rooms& rooms, const Publications* publications)
    : feed_(feed), rooms_(rooms), publications_(publications) {
  follow_rooms(bus);
  follow_streams(bus);
}

void CoreEvents::follow_rooms(Bus& bus) {
  // Nobody listens most of the time; then nothing is built.
  const auto on = [&]<typename Fact>(auto tell) {
    subscriptions_.push_back(bus.subscribe<Fact>([this, tell](const Fact& fact) {
      if (feed_.heard()) tell(fact);
    }));
  };
  on.operator()<PeerConnected>([this](const PeerConnected& fact) {
    feed_.emit("peer:connected", {{"peerId", fact.peer.value}, {"dialect", fact.dialect}, {"ip", fact.ip}});
  });
  on.operator()<PeerClosed>([this](const PeerClosed& fact) {
    feed_.emit("peer:disconnected", {{"peerId", fact.peer.value}});
  });
  on.operator()<PeerJoined>([this](const PeerJoined& fact) {
    feed_.emit("peer:joined", {{"peer", snapshot_json(fact.peer)}, {"roomId", fact.room.value}});
  });
  on.operator()<PeerLeft>([this](const PeerLeft& fact) {
    feed_.emit("peer:left",
               {{"peer", snapshot_json(fact.peer)}, {"roomId", fact.room.value}, {"cause", to_string(fact.cause)}});
  });
  on.operator()<PeerSuspended>([this](const PeerSuspended& fact) {
    feed_.emit("peer:suspended", {{"peerId", fact.peer.value}, {"roomId", fact.room.value}});
  });
  on.operator()<PeerReconnected>([this](const PeerReconnected& fact) {
    feed_.emit("peer:reconnected", {{"peer", snapshot_json(fact.peer)}, {"roomId", fact.room.value}});
  });
  on.operator()<PeerMetadataChanged>([this](const PeerMetadataChanged& fact) {
    feed_.emit("peer:updated",
               {{"peerId", fact.peer.value}, {"roomId", or_null(fact.room)}, {"patch", metadata_json(fact.patch)}});
  });
  on.operator()<PeerKicked>([this](const PeerKicked& fact) {
    feed_.emit("peer:kicked", {{"peerId", fact.peer.value},
                               {"roomId", or_null(fact.room)},
                               {"reason", fact.reason},
                               {"by", fact.by ? json(*fact.by) : json(nullptr)}});
  });
  on.operator()<RoomCreated>([this](const RoomCreated& fact) {
    const Room* room = rooms_.find_room(fact.room);
    feed_.emit("room:created",
               {{"roomId", fact.room.value}, {"room", room == nullptr ? json(nullptr) : summary_json(*room)}});
  });
  on.operator()<RoomDestroyed>([this](const RoomDestroyed& fact) {
    feed_.emit("room:destroyed", {{"roomId", fact.room.value}});
  });
  on.operator()<RoomMetadataChanged>([this](const RoomMetadataChanged& fact) {
    feed_.emit("room:updated", {{"roomId", fact.room.value}, {"patch", metadata_json(fact.patch)}});
  });
  on.operator()<JoinRejected>([this](const JoinRejected& fact) {
    feed_.emit("join:rejected", {{"peerId", fact.peer.value}, {"roomId", fact.room.value}, {"reason", fact.reason}});
  });
  // These come with every message, so they are made only for who asked for them.
  on.operator()<DataRelayed>([this](const DataRelayed& fact) {
    if (!feed_.heard("data")) return;
    feed_.emit("data", {{"roomId", fact.room.value},
                        {"from", fact.from},
                        {"to", fact.target ? json(fact.target->value) : json(nullptr)},
                        {"payload", parse_json(fact.payload).value_or(nullptr)}});
  });
  on.operator()<ControlPayloadTaken>([this](const ControlPayloadTaken& fact) {
    if (!feed_.heard("data")) return;
    feed_.emit("data", {{"roomId", fact.room.value},
                        {"from", fact.peer.value},
                        {"to", fact.target ? json(fact.target->value) : json(nullptr)},
                        {"payload", parse_json(fact.payload).value_or(nullptr)}});
  });
  on.operator()<SignalRelayed>([this](const SignalRelayed& fact) {
    if (!feed_.heard(fact.type)) return;
    feed_.emit(fact.type, {{"roomId", fact.room.value},
                           {"from", fact.from.value},
                           {"to", fact.to},
                           {"body", parse_json(fact.body).value_or(nullptr)}});
  });
}

void CoreEvents::follow_streams(Bus& bus) {
  const auto on = [&]<typename Fact>(auto tell) {
    subscriptions_.push_back(bus.subscribe<Fact>([this, tell](const Fact& fact) {
      if (feed_.heard()) tell(fact);
    }));
  };
  on.operator()<PublicationStarted>([this](const PublicationStarted& fact) {
    const Publication* publication = publications_ == nullptr ? nullptr : publications_->find(fact.producer);
    if (publication == nullptr) return;
    feed_.emit("producer:created", {{"producer", producer_json(*publication)}, {"roomId", fact.room.value}});
  });
  on.operator()<PublicationEnded>([this](const PublicationEnded& fact) {
    feed_.emit("producer:closed", {{"producer",
                                    {{"id", fact.producer.value},
                                     {"peerId", fact.peer.value},
                                     {"roomId", fact.room.value},
                                     {"kind", to_string(fact.kind)}}},
                                   {"roomId", fact.room.value}});
  });
  on.operator()<PublicationPaused>([this](const PublicationPaused& fact) {
    feed_.emit("producer:paused",
               {{"producerId", fact.producer.value}, {"peerId", fact.peer.value}, {"roomId", fact.room.value}});
  });
  on.operator()<PublicationResumed>([this](const PublicationResumed& fact) {
    feed_.emit("producer:resumed",
               {{"producerId", fact.producer.value}, {"peerId", fact.peer.value}, {"roomId", fact.room.value}});
  });
  on.operator()<SubscriptionStarted>([this](const SubscriptionStarted& fact) {
    const Subscription* subscription = publications_ == nullptr ? nullptr : publications_->find(fact.consumer);
    if (subscription == nullptr) return;
    feed_.emit("consumer:created", {{"consumer", consumer_json(*subscription, publications_->find(fact.producer))},
                                    {"roomId", fact.room.value}});
  });
  on.operator()<SubscriptionEnded>([this](const SubscriptionEnded& fact) {
    feed_.emit("consumer:closed", {{"consumer",
                                    {{"id", fact.consumer.value},
                                     {"roomId", fact.room.value},
                                     {"subscriberPeerId", fact.subscriber.value},
                                     {"producerId", fact.producer.value}}},
                                   {"roomId", fact.room.value}});
  });
  on.operator()<LayerForwarded>([this](const LayerForwarded& fact) {
    feed_.emit("layer:changed", {{"consumerId", fact.consumer.value},
                                 {"peerId", fact.peer.value},
                                 {"layer", fact.layer ? json(fact.name) : json(nullptr)}});
  });
  on.operator()<MediaConnected>([this](const MediaConnected& fact) {
    feed_.emit("transport:connected", {{"peerId", fact.peer.value}, {"roomId", fact.room.value}});
  });
  on.operator()<MediaClosed>([this](const MediaClosed& fact) {
    feed_.emit("transport:closed", {{"peerId", fact.peer.value}, {"reason", fact.reason}});
  });
  on.operator()<MediaQuarantined>([this](const MediaQuarantined& fact) {
    feed_.emit("session:quarantined", {{"peerId", fact.peer.value}, {"roomId", fact.room.value}});
  });
}

}  // namespace sluice
