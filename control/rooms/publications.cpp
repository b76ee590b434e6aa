#include "control/rooms/publications.hpp"

#include <algorithm>
#include <utility>

#include "control/rooms/random_id.hpp"

namespace sluice {
namespace {

constexpr std::size_t id_characters = 16;  // 82 random bits: unique without asking anybody
constexpr std::string_view highest_default_layer = "high";

/// Removes `value` from the list under `key`, and the list when it is empty.
template <typename Index, typename Key, typename Value>
void forget(Index& index, const Key& key, const Value& value) {
  const auto found = index.find(key);
  if (found == index.end()) return;
  std::erase(found->second, value);
  if (found->second.empty()) index.erase(found);
}

template <typename Index, typename Key>
auto list_of(const Index& index, const Key& key) {
  const auto found = index.find(key);
  return found == index.end() ? typename Index::mapped_type{} : found->second;
}

}  // namespace

Publications::Publications(Rooms& rooms, Bus& bus, Entropy& entropy, PublicationsOptions options,
                           std::function<std::int64_t(TimePoint)> unix_ms)
    : rooms_(rooms),
      bus_(bus),
      entropy_(entropy),
      options_(options),
      unix_ms_(std::move(unix_ms)),
      peer_left_(bus.subscribe<PeerLeft>([this](const PeerLeft& fact) { peer_left(fact); })) {}

Result<const Publication*, PublicationError> Publications::publish(const PeerId& peer, PublishRequest request,
                                                                   TimePoint now) {
  const Peer* publisher = rooms_.find_peer(peer);
  if (publisher == nullptr || !publisher->room()) return unexpected(PublicationError::not_in_room);
  if (!rooms_.allows(peer, MemberAction::publish)) return unexpected(PublicationError::not_permitted);
  if (list_of(by_publisher_, peer).size() >= options_.publications_per_peer_max)
    return unexpected(PublicationError::too_many);
  const ProducerId id(random_id(entropy_, "prod-", id_characters));
  if (request.track_id.empty()) request.track_id = id.value;
  if (request.layers.empty() && request.kind == PublicationKind::video && options_.enable_simulcast) {
    request.layers = {"low", "mid", "high"};
  }
  Publication made{id,
                   peer,
                   *publisher->room(),
                   request.kind,
                   std::move(request.track_id),
                   std::move(request.layers),
                   std::move(request.mid),
                   std::move(request.ssrcs),
                   false,
                   unix_ms_(now),
                   ++last_number_};
  const PublicationStarted fact{made.room, made.peer, made.id, made.kind, made.track_id, made.layers, made.mid, made.ssrcs};
  restore(std::move(made));
  bus_.publish(fact);
  const Publication* found = find(id);
  if (found == nullptr) return unexpected(PublicationError::not_found);  // ended by a subscriber
  return found;
}

Result<void, PublicationError> Publications::unpublish(const PeerId& peer, const ProducerId& producer) {
  const Publication* found = find(producer);
  const Peer* caller = rooms_.find_peer(peer);
  if (found == nullptr || caller == nullptr || caller->room() != found->room) return unexpected(PublicationError::not_found);
  if (found->peer != peer) return unexpected(PublicationError::not_owner);
  end(ProducerId(producer));
  return {};
}

Result<void, PublicationError> Publications::set_publication_paused(const PeerId& peer, const ProducerId& producer,
                                                                    bool paused) {
  const auto found = publications_.find(producer);
  if (found == publications_.end()) return unexpected(PublicationError::not_found);
  if (found->second.peer != peer) return unexpected(PublicationError::not_owner);
  if (std::exchange(found->second.paused, paused) == paused) return {};
  if (paused) {
    bus_.publish(PublicationPaused{found->second.room, peer, producer});
  } else {
    bus_.publish(PublicationResumed{found->second.room, peer, producer});
  }
  return {};
}

Result<const Subscription*, PublicationError> Publications::subscribe(const PeerId& peer, const ProducerId& producer,
                                                                      TimePoint now) {
  const Peer* subscriber = rooms_.find_peer(peer);
  if (subscriber == nullptr || !subscriber->room()) return unexpected(PublicationError::not_in_room);
  if (!rooms_.allows(peer, MemberAction::subscribe)) return unexpected(PublicationError::not_permitted);
  const Publication* publication = find(producer);
  if (publication == nullptr || publication->room != *subscriber->room()) return unexpected(PublicationError::not_found);
  if (publication->peer == peer) return unexpected(PublicationError::own);
  if (list_of(by_subscriber_, peer).size() >= options_.subscriptions_per_peer_max)
    return unexpected(PublicationError::too_many);

  const ConsumerId id(random_id(entropy_, "cons-", id_characters));
  Subscription made{id, producer, peer, publication->room, false, {}, std::nullopt, unix_ms_(now), ++last_number_};
  if (!publication->layers.empty()) made.layer = static_cast<std::uint8_t>(publication->layers.size() - 1);
  if (publication->kind == PublicationKind::video) {
    made.active_layer = publication->layers.empty() ? highest_default_layer : publication->layers.back();
  }
  const SubscriptionStarted fact{
      made.room,         id,        producer, peer, publication->peer, publication->kind, publication->track_id,
      made.active_layer, made.layer};
  restore(std::move(made));
  bus_.publish(fact);
  const Subscription* found = find(id);
  if (found == nullptr) return unexpected(PublicationError::not_found);
  return found;
}

Result<void, PublicationError> Publications::unsubscribe(const PeerId& peer, const ConsumerId& consumer) {
  const Subscription* found = find(consumer);
  if (found == nullptr) return unexpected(PublicationError::not_found);
  if (found->subscriber != peer) return unexpected(PublicationError::not_owner);
  end(ConsumerId(consumer), SubscriptionEndReason::unsubscribed);
  return {};
}

Result<void, PublicationError> Publications::set_subscription_paused(const PeerId& peer, const ConsumerId& consumer,
                                                                     bool paused) {
  const auto found = subscriptions_.find(consumer);
  if (found == subscriptions_.end()) return unexpected(PublicationError::not_found);
  if (found->second.subscriber != peer) return unexpected(PublicationError::not_owner);
  if (std::exchange(found->second.paused, paused) == paused) return {};
  if (paused) {
    bus_.publish(SubscriptionPaused{found->second.room, consumer, peer});
  } else {
    bus_.publish(SubscriptionResumed{found->second.room, consumer, peer});
  }
  return {};
}

Result<void, PublicationError> Publications::select_layer(const PeerId& peer, const ConsumerId& consumer,
                                                          std::string_view layer) {
  const auto found = subscriptions_.find(consumer);
  if (found == subscriptions_.end()) return unexpected(PublicationError::not_found);
  Subscription& subscription = found->second;
  if (subscription.subscriber != peer) return unexpected(PublicationError::not_owner);
  const std::vector<std::string>& layers = publications_.at(subscription.producer).layers;
  const auto named = std::find(layers.begin(), layers.end(), layer);
  if (named == layers.end()) return unexpected(PublicationError::no_such_layer);
  subscription.active_layer = *named;
  subscription.layer = static_cast<std::uint8_t>(named - layers.begin());
  bus_.publish(SubscriptionLayerSelected{subscription.room, consumer, peer, *subscription.layer, *named});
  return {};
}

// --- endings
// ----------------------------------------------------------------------------------------------------------------

void Publications::end(const ConsumerId& consumer, SubscriptionEndReason reason) {
  const auto found = subscriptions_.find(consumer);
  if (found == subscriptions_.end()) return;
  const Subscription subscription = std::move(found->second);
  subscriptions_.erase(found);
  forget(by_subscriber_, subscription.subscriber, consumer);
  forget(by_publication_, subscription.producer, consumer);
  bus_.publish(SubscriptionEnded{subscription.room, consumer, subscription.producer, subscription.subscriber, reason});
}

void Publications::end(const ProducerId& producer) {
  for (const ConsumerId& consumer : list_of(by_publication_, producer))
    end(consumer, SubscriptionEndReason::publication_ended);
  const auto found = publications_.find(producer);
  if (found == publications_.end()) return;
  const Publication publication = std::move(found->second);
  publications_.erase(found);
  forget(by_room_, publication.room, producer);
  forget(by_publisher_, publication.peer, producer);
  bus_.publish(PublicationEnded{publication.room, publication.peer, producer, publication.kind});
}

void Publications::peer_left(const PeerLeft& fact) {
  for (const ConsumerId& consumer : list_of(by_subscriber_, fact.peer.id))
    end(consumer, SubscriptionEndReason::subscriber_left);
  for (const ProducerId& producer : list_of(by_publisher_, fact.peer.id)) end(producer);
}

// --- looking
// ----------------------------------------------------------------------------------------------------------------

const Publication* Publications::find(const ProducerId& producer) const {
  const auto found = publications_.find(producer);
  return found == publications_.end() ? nullptr : &found->second;
}

const Subscription* Publications::find(const ConsumerId& consumer) const {
  const auto found = subscriptions_.find(consumer);
  return found == subscriptions_.end() ? nullptr : &found->second;
}

std::vector<const Publication*> Publications::in_room(const RoomId& room) const {
  std::vector<const Publication*> result;
  for (const ProducerId& id : list_of(by_room_, room)) result.push_back(find(id));
  return result;
}

std::vector<const Publication*> Publications::of_publisher(const PeerId& peer) const {
  std::vector<const Publication*> result;
  for (const ProducerId& id : list_of(by_publisher_, peer)) result.push_back(find(id));
  return result;
}

std::vector<const Subscription*> Publications::of_subscriber(const PeerId& peer) const {
  std::vector<const Subscription*> result;
  for (const ConsumerId& id : list_of(by_subscriber_, peer)) result.push_back(find(id));
  return result;
}

std::vector<const Subscription*> Publications::of_publication(const ProducerId& producer) const {
  std::vector<const Subscription*> result;
  for (const ConsumerId& id : list_of(by_publication_, producer)) result.push_back(find(id));
  return result;
}

// --- restoring
// ----------------------------------------------------------------------------------------------------------------

bool Publications::restore(Publication publication) {
  const Peer* peer = rooms_.find_peer(publication.peer);
  if (peer == nullptr || peer->room() != publication.room || publications_.contains(publication.id)) return false;
  last_number_ = std::max(last_number_, publication.number);
  by_room_[publication.room].push_back(publication.id);
  by_publisher_[publication.peer].push_back(publication.id);
  const ProducerId id = publication.id;
  publications_.emplace(id, std::move(publication));
  return true;
}

bool Publications::restore(Subscription subscription) {
  const Peer* peer = rooms_.find_peer(subscription.subscriber);
  const Publication* publication = find(subscription.producer);
  if (peer == nullptr || publication == nullptr || peer->room() != subscription.room) return false;
  if (subscriptions_.contains(subscription.id)) return false;
  last_number_ = std::max(last_number_, subscription.number);
  by_subscriber_[subscription.subscriber].push_back(subscription.id);
  by_publication_[subscription.producer].push_back(subscription.id);
  const ConsumerId id = subscription.id;
  subscriptions_.emplace(id, std::move(subscription));
  return true;
}

}  // namespace sluice
