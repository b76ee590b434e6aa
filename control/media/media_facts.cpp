#include <string_view>
#include <type_traits>
#include <utility>

#include "control/media/layer_map.hpp"
#include "control/media/media_impl.hpp"

namespace sluice {
namespace {

std::string_view to_text(workers::TransportFailure failure) {
  switch (failure) {
    case workers::TransportFailure::none:
      return "closed";
    case workers::TransportFailure::consent_expired:
      return "no connectivity check arrived for too long";
    case workers::TransportFailure::dtls_failed:
      return "the DTLS handshake failed";
    case workers::TransportFailure::fingerprint_mismatch:
      return "the certificate does not match a=fingerprint";
    case workers::TransportFailure::dtls_closed:
      return "the peer closed the DTLS association";
    case workers::TransportFailure::quarantined:
      return "shut out: this session's packets stopped the media worker twice";
    case workers::TransportFailure::handshake_timeout:
      break;
  }
  return "the DTLS handshake took too long";
}

}  // namespace

void Media::Impl::subscribe_to_facts() {
  const auto listen = [this]<typename Fact>(std::type_identity<Fact>, auto react) {
    subscriptions_.push_back(bus_.subscribe<Fact>([this, react](const Fact& fact) {
      react(fact);
      tell();
    }));
  };
  listen(std::type_identity<PeerJoined>{}, [this](const PeerJoined& fact) { on(fact); });
  listen(std::type_identity<PeerLeft>{}, [this](const PeerLeft& fact) { on(fact); });
  listen(std::type_identity<RoomDestroyed>{}, [this](const RoomDestroyed& fact) { plane_.release_room(fact.room.value); });
  listen(std::type_identity<PublicationStarted>{}, [this](const PublicationStarted& fact) { on(fact); });
  listen(std::type_identity<PublicationEnded>{}, [this](const PublicationEnded& fact) { on(fact); });
  listen(std::type_identity<PublicationPaused>{},
         [this](const PublicationPaused& fact) { pause_producer(fact.producer, true); });
  listen(std::type_identity<PublicationResumed>{},
         [this](const PublicationResumed& fact) { pause_producer(fact.producer, false); });
  listen(std::type_identity<PeerRestricted>{},
         [this](const PeerRestricted& fact) { restrict(fact.peer, fact.restrictions); });
  listen(std::type_identity<SubscriptionStarted>{}, [this](const SubscriptionStarted& fact) { on(fact); });
  listen(std::type_identity<SubscriptionEnded>{}, [this](const SubscriptionEnded& fact) { on(fact); });
  listen(std::type_identity<SubscriptionPaused>{},
         [this](const SubscriptionPaused& fact) { pause_consumer(fact.consumer, true); });
  listen(std::type_identity<SubscriptionResumed>{},
         [this](const SubscriptionResumed& fact) { pause_consumer(fact.consumer, false); });
  listen(std::type_identity<SubscriptionLayerSelected>{}, [this](const SubscriptionLayerSelected& fact) { on(fact); });
  listen(std::type_identity<SubscriptionLayerTargeted>{}, [this](const SubscriptionLayerTargeted& fact) { on(fact); });
}

void Media::Impl::tell() {
  const auto ready = std::exchange(ready_, {});
  const auto unsupported = std::exchange(unsupported_, {});
  for (const ConsumerReady& fact : ready) bus_.publish(fact);
  for (const ConsumerCodecUnsupported& fact : unsupported) bus_.publish(fact);
}

void Media::Impl::on(const PeerJoined& fact) {
  PeerEntry& entry = peers_[fact.peer.id];
  entry.media.room = fact.room;
  store(fact.peer.id);
}

void Media::Impl::on(const PeerLeft& fact) {
  drop_peer(fact.peer.id);
}

void Media::Impl::drop_peer(const PeerId& id) {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) return;
  forget_session(entry->second.media);
  peers_.erase(entry);
  store(id);
}

void Media::Impl::on(const PublicationStarted& fact) {
  if (fact.kind == PublicationKind::data) return;
  Producer producer;
  producer.room = fact.room;
  producer.peer = fact.peer;
  producer.kind = fact.kind == PublicationKind::video ? MediaKind::video : MediaKind::audio;
  producer.layers = fact.layers;
  producer.mid = fact.mid.value_or("");
  producer.ssrcs = fact.ssrcs;
  producer.order = next_order_++;
  producers_of_[fact.peer].emplace(producer.order, fact.producer);
  producers_.insert_or_assign(fact.producer, std::move(producer));
  store(fact.producer);
  settle(fact.peer);
}

void Media::Impl::on(const PublicationEnded& fact) {
  drop_producer(fact.producer);
}

void Media::Impl::drop_producer(const ProducerId& id) {
  const auto known = producers_.find(id);
  if (known == producers_.end()) return;
  const PeerId peer_id = known->second.peer;
  if (const auto peer = peers_.find(peer_id); peer != peers_.end()) {
    if (Line* line = line_of(peer->second.media, id)) {
      unbind_producer(peer->second.media, *line);
      store(peer_id);
    }
  }
  if (const auto own = producers_of_.find(peer_id); own != producers_of_.end()) {
    own->second.erase(known->second.order);
    if (own->second.empty()) producers_of_.erase(own);
  }
  producers_.erase(known);
  store(id);
  settle_consumers_of(id);
  // A line came free that a producer of the same kind may have waited for.
  settle(peer_id);
}

void Media::Impl::pause_producer(const ProducerId& id, bool paused) {
  const auto known = producers_.find(id);
  if (known == producers_.end() || known->second.paused == paused) return;
  known->second.paused = paused;
  store(id);
  if (const auto peer = peers_.find(known->second.peer); peer != peers_.end()) write_rows(peer->second.media);
}

void Media::Impl::restrict(const PeerId& id, const Restrictions& restrictions) {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) return;
  PeerMedia& peer = entry->second.media;
  if (peer.may_send == restrictions.may_send() && peer.may_receive == restrictions.may_receive() &&
      peer.policy_epoch == restrictions.epoch)
    return;
  peer.may_send = restrictions.may_send();
  peer.may_receive = restrictions.may_receive();
  peer.policy_epoch = restrictions.epoch;
  store(id);
  write_rows(peer);
  restrict_where_it_was(peer);
}

void Media::Impl::on(const SubscriptionStarted& fact) {
  if (fact.kind == PublicationKind::data) return;
  ConsumerEntry entry;
  entry.consumer.room = fact.room;
  entry.consumer.peer = fact.subscriber;
  entry.consumer.producer = fact.producer;
  entry.consumer.kind = fact.kind == PublicationKind::video ? MediaKind::video : MediaKind::audio;
  entry.consumer.layer = fact.layer.value_or(Consumer::no_ceiling);
  entry.consumer.order = next_order_++;
  consumers_of_[fact.subscriber].emplace(entry.consumer.order, fact.consumer);
  fed_by_[fact.producer].emplace(entry.consumer.order, fact.consumer);
  consumers_.insert_or_assign(fact.consumer, std::move(entry));
  store(fact.consumer);
  settle(fact.subscriber);
}

void Media::Impl::on(const SubscriptionEnded& fact) {
  drop_consumer(fact.consumer);
}

void Media::Impl::drop_consumer(const ConsumerId& id) {
  const auto known = consumers_.find(id);
  if (known == consumers_.end()) return;
  const Consumer consumer = known->second.consumer;
  const auto forget_in = [&](auto& index, const auto& key) {
    const auto list = index.find(key);
    if (list == index.end()) return;
    list->second.erase(consumer.order);
    if (list->second.empty()) index.erase(list);
  };
  forget_in(consumers_of_, consumer.peer);
  forget_in(fed_by_, consumer.producer);
  consumers_.erase(known);
  store(id);
  const auto peer = peers_.find(consumer.peer);
  if (peer == peers_.end()) return;
  if (Line* line = line_of(peer->second.media, id)) line->consumer = {};
  settle(consumer.peer);  // the line is free for who waits
}

void Media::Impl::pause_consumer(const ConsumerId& id, bool paused) {
  const auto known = consumers_.find(id);
  if (known == consumers_.end() || known->second.consumer.paused == paused) return;
  known->second.consumer.paused = paused;
  store(id);
  if (const auto peer = peers_.find(known->second.consumer.peer); peer != peers_.end()) write_rows(peer->second.media);
}

void Media::Impl::on(const SubscriptionLayerSelected& fact) {
  const auto known = consumers_.find(fact.consumer);
  if (known == consumers_.end()) return;
  known->second.consumer.layer = fact.layer;
  store(fact.consumer);
  if (const auto peer = peers_.find(known->second.consumer.peer); peer != peers_.end()) write_rows(peer->second.media);
}

void Media::Impl::on(const SubscriptionLayerTargeted& fact) {
  const auto known = consumers_.find(fact.consumer);
  if (known == consumers_.end()) return;
  known->second.consumer.automatic = fact.layer.value_or(Consumer::no_ceiling);
  if (const auto peer = peers_.find(known->second.consumer.peer); peer != peers_.end()) write_rows(peer->second.media);
}

void Media::Impl::on_transport_changed(WorkerId worker, TransportId id, workers::TransportPhase phase,
                                       workers::TransportFailure failure) {
  const auto owner = by_transport_.find({worker, id});
  if (owner == by_transport_.end()) return;
  const PeerId peer_id = owner->second;
  PeerEntry& entry = peers_.at(peer_id);
  if (std::exchange(entry.live.phase, phase) == phase) return;
  if (phase == workers::TransportPhase::connected) {
    bus_.publish(MediaConnected{peer_id, entry.media.room});
  } else if (phase == workers::TransportPhase::disconnected) {
    bus_.publish(MediaInterrupted{peer_id, entry.media.room});
  } else if (phase == workers::TransportPhase::failed || phase == workers::TransportPhase::closed) {
    // Without consent an ICE restart may find another path; without DTLS there is nothing to go on with.
    entry.live.dtls_over = failure != workers::TransportFailure::consent_expired;
    const bool quarantined = failure == workers::TransportFailure::quarantined;
    const RoomId room = entry.media.room;
    entry.live.quarantined = quarantined;
    bus_.publish(MediaClosed{peer_id, std::string(to_text(failure))});
    if (quarantined) bus_.publish(MediaQuarantined{peer_id, room});
  }
}

void Media::Impl::on_publication_changed(WorkerId, PublicationId, std::uint8_t) {
}  // for statistics, which read the live tables

void Media::Impl::on_subscription_changed(WorkerId worker, SubscriptionId id, std::optional<std::uint8_t> layer) {
  const auto owner = by_subscription_.find({worker, id});
  if (owner == by_subscription_.end()) return;
  const PeerMedia& peer = peers_.at(owner->second).media;
  for (const Line& line : peer.lines) {
    if (line.subscription != id || line.consumer.empty()) continue;
    const auto consumer = consumers_.find(line.consumer);
    if (consumer == consumers_.end()) return;
    const auto producer = producers_.find(consumer->second.consumer.producer);
    if (producer == producers_.end()) return;
    const std::vector<std::string>& names = producer->second.layers;
    LayerForwarded fact{owner->second, line.consumer, std::nullopt, {}};
    if (layer) {
      fact.layer = media::name_index(*layer, names);
      if (!names.empty()) fact.name = names[*fact.layer];
    }
    bus_.publish(fact);
    return;
  }
}

}  // namespace sluice
