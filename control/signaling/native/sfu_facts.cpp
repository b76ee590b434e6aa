// What clients are told about publications, subscriptions and their media.
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "control/signaling/native/server_messages.hpp"
#include "control/signaling/native/sfu_signaling.hpp"
#include "control/signaling/room_names/room_names.hpp"

namespace sluice {
namespace {

std::string published(const PublicationStarted& fact) {
  JsonWriter out("sfu:published");
  out.string("producerId", fact.producer.value).string("kind", to_string(fact.kind)).string("trackId", fact.track_id);
  return out.finish();
}

std::string peer_published(const PublicationStarted& fact) {
  JsonWriter out("sfu:peer:published");
  out.string("peerId", fact.peer.value).string("producerId", fact.producer.value).string("kind", to_string(fact.kind));
  return out.string("trackId", fact.track_id).raw("layers", native::texts_json(fact.layers)).finish();
}

std::string peer_unpublished(const PublicationEnded& fact) {
  JsonWriter out("sfu:peer:unpublished");
  out.string("peerId", fact.peer.value).string("producerId", fact.producer.value).string("kind", to_string(fact.kind));
  return out.finish();
}

std::string subscribed(const SubscriptionStarted& fact, const std::optional<std::string>& mid) {
  JsonWriter out("sfu:subscribed");
  out.string("consumerId", fact.consumer.value).string("producerId", fact.producer.value);
  out.string("publisherId", fact.publisher.value).string("kind", to_string(fact.kind)).string("trackId", fact.track_id);
  out.string("activeLayer", fact.active_layer);
  if (mid) out.string("mid", *mid);
  return out.finish();
}

}  // namespace

void SfuSignaling::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto tell) { subscriptions_.push_back(bus.subscribe<Fact>(tell)); };
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) { tell_ready(fact); });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) { rates_.erase(fact.peer); });
  on.template operator()<PublicationStarted>([this](const PublicationStarted& fact) {
    outbox_.send(fact.peer, published(fact));
    outbox_.broadcast(fact.room, peer_published(fact), fact.peer);
  });
  on.template operator()<PublicationEnded>(
      [this](const PublicationEnded& fact) { outbox_.broadcast(fact.room, peer_unpublished(fact)); });
  on.template operator()<PublicationPaused>([this](const PublicationPaused& fact) { tell_paused(fact.producer, true); });
  on.template operator()<PublicationResumed>([this](const PublicationResumed& fact) { tell_paused(fact.producer, false); });
  on.template operator()<SubscriptionStarted>([this](const SubscriptionStarted& fact) {
    const auto mid = media_.mid_of_consumer(fact.consumer);
    if (mid) told_mids_[fact.consumer] = *mid;
    outbox_.send(fact.subscriber, subscribed(fact, mid));
  });
  on.template operator()<SubscriptionEnded>([this](const SubscriptionEnded& fact) {
    told_mids_.erase(fact.consumer);
    if (fact.reason == SubscriptionEndReason::unsubscribed) {
      outbox_.send(fact.subscriber, JsonWriter("sfu:unsubscribed").string("consumerId", fact.consumer.value).finish());
    } else if (fact.reason == SubscriptionEndReason::publication_ended) {
      JsonWriter out("sfu:consumer:closed");
      outbox_.send(fact.subscriber,
                   out.string("consumerId", fact.consumer.value).string("producerId", fact.producer.value).finish());
    }
  });
  on.template operator()<ConsumerReady>([this](const ConsumerReady& fact) {
    if (answering_ == fact.peer) {
      waiting_.push_back(fact);
    } else {
      tell_mid(fact.peer, fact.consumer, fact.mid);
    }
  });
  on.template operator()<ConsumerCodecUnsupported>([this](const ConsumerCodecUnsupported& fact) {
    outbox_.send(fact.peer, native::error("SFU_CODEC_UNSUPPORTED").string("consumerId", fact.consumer.value).finish());
  });
  on.template operator()<MediaClosed>(
      [this](const MediaClosed& fact) { outbox_.send(fact.peer, native::error_text("SFU_TRANSPORT_CLOSED", fact.reason)); });
}

void SfuSignaling::tell_paused(const ProducerId& producer, bool paused) {
  JsonWriter out(paused ? "sfu:paused" : "sfu:resumed");
  const auto message = std::make_shared<const std::string>(out.string("producerId", producer.value).finish());
  std::set<PeerId> told;  // who subscribed twice is told once
  for (const Subscription* subscription : publications_.of_publication(producer)) {
    if (told.insert(subscription->subscriber).second) outbox_.send(subscription->subscriber, message);
  }
}

void SfuSignaling::tell_ready(const PeerJoined& fact) {
  if (!outbox_.connection_of(fact.peer.id)) return;  // another dialect's
  JsonArrayWriter producers;
  for (const Publication* publication : publications_.in_room(fact.room)) {
    JsonWriter producer;
    producer.string("peerId", publication->peer.value).string("producerId", publication->id.value);
    producer.string("kind", to_string(publication->kind)).string("trackId", publication->track_id);
    producers.raw(
        producer.raw("layers", native::texts_json(publication->layers)).boolean("paused", publication->paused).finish());
  }
  JsonWriter ice;
  ice.string("listenIp", options_.listen_ip);
  if (options_.announced_ip) {
    ice.string("announcedIp", *options_.announced_ip);
  } else {
    ice.null("announcedIp");
  }
  ice.integer("minPort", options_.media_port_min).integer("maxPort", options_.media_port_max);

  JsonWriter out("sfu:ready");
  out.string("roomId", plain_room_name(fact.room)).string("region", options_.region);
  out.boolean("simulcastEnabled", options_.enable_simulcast).raw("existingProducers", producers.finish());
  out.raw("iceConfig", ice.finish());
  out.raw("media", JsonWriter().string("peerId", sfu_peer_id).boolean("iceLite", true).finish());
  outbox_.send(fact.peer.id, out.finish());
}

}  // namespace sluice
