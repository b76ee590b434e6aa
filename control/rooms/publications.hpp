#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// One thing that a member sends (a "producer" on the wire).
struct Publication {
  ProducerId id;
  PeerId peer;
  RoomId room;
  PublicationKind kind = PublicationKind::audio;
  std::string track_id;
  std::vector<std::string> layers;  // lowest first
  std::optional<std::string> mid;
  std::vector<std::uint32_t> ssrcs;
  bool paused = false;
  std::int64_t created_at = 0;  // Unix milliseconds
  std::uint64_t number = 0;     // rises with every publication: the order of existingProducers
  friend bool operator==(const Publication&, const Publication&) = default;
};

/// One member's receiving of one publication (a "consumer" on the wire).
struct Subscription {
  ConsumerId id;
  ProducerId producer;
  PeerId subscriber;
  RoomId room;
  bool paused = false;                // by the subscriber
  std::string active_layer;           // name of the ceiling; "" unless video
  std::optional<std::uint8_t> layer;  // its index; none when the publication has no layers
  std::int64_t created_at = 0;
  std::uint64_t number = 0;  // rises with every subscription
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

struct PublicationsOptions {
  bool enable_simulcast = true;
  std::size_t publications_per_peer_max = 64;
  std::size_t subscriptions_per_peer_max = 1024;
};

struct PublishRequest {
  PublicationKind kind = PublicationKind::audio;
  std::string track_id;             // empty: the producer id
  std::vector<std::string> layers;  // empty: low, mid, high for video with simulcast on
  std::optional<std::string> mid;
  std::vector<std::uint32_t> ssrcs;
};

enum class PublicationError : std::uint8_t {
  not_in_room,
  not_found,  // no such publication or subscription in the peer's room
  not_owner,  // it is another member's
  own,        // one cannot subscribe to oneself
  no_such_layer,
  too_many,
  not_permitted,  // Rooms::allows says no
};

/// Who publishes and who receives what (contract section 15); the media itself is control/media's business, which follows
/// the facts. Attached or not: without an object of this class a server is plain signalling. Ends everything of a peer that
/// leaves its room.
class Publications {
 public:
  Publications(Rooms& rooms, Bus& bus, Entropy& entropy, PublicationsOptions options,
               std::function<std::int64_t(TimePoint)> unix_ms);

  /// PublicationStarted.
  Result<const Publication*, PublicationError> publish(const PeerId& peer, PublishRequest request, TimePoint now);
  /// SubscriptionEnded for each subscriber, then PublicationEnded.
  Result<void, PublicationError> unpublish(const PeerId& peer, const ProducerId& producer);
  /// By the publisher; what is so already stays, without a fact.
  Result<void, PublicationError> set_publication_paused(const PeerId& peer, const ProducerId& producer, bool paused);

  /// SubscriptionStarted. The same publication may be subscribed to more than once.
  Result<const Subscription*, PublicationError> subscribe(const PeerId& peer, const ProducerId& producer, TimePoint now);
  Result<void, PublicationError> unsubscribe(const PeerId& peer, const ConsumerId& consumer);
  Result<void, PublicationError> set_subscription_paused(const PeerId& peer, const ConsumerId& consumer, bool paused);
  /// The subscriber's ceiling, by name. SubscriptionLayerSelected.
  Result<void, PublicationError> select_layer(const PeerId& peer, const ConsumerId& consumer, std::string_view layer);

  [[nodiscard]] const Publication* find(const ProducerId& producer) const;
  [[nodiscard]] const Subscription* find(const ConsumerId& consumer) const;
  /// A room's publications in the order of their publishing.
  [[nodiscard]] std::vector<const Publication*> in_room(const RoomId& room) const;
  [[nodiscard]] std::vector<const Publication*> of_publisher(const PeerId& peer) const;
  [[nodiscard]] std::vector<const Subscription*> of_subscriber(const PeerId& peer) const;
  [[nodiscard]] std::vector<const Subscription*> of_publication(const ProducerId& producer) const;
  [[nodiscard]] const std::unordered_map<ProducerId, Publication>& publications() const noexcept { return publications_; }
  [[nodiscard]] const std::unordered_map<ConsumerId, Subscription>& subscriptions() const noexcept { return subscriptions_; }

  /// After a restart; no facts. False when the id is taken or what it refers to is missing.
  bool restore(Publication publication);
  bool restore(Subscription subscription);

 private:
  void end(const ProducerId& producer);
  void end(const ConsumerId& consumer, SubscriptionEndReason reason);
  void peer_left(const PeerLeft& fact);

  Rooms& rooms_;
  Bus& bus_;
  Entropy& entropy_;
  PublicationsOptions options_;
  std::function<std::int64_t(TimePoint)> unix_ms_;
  std::unordered_map<ProducerId, Publication> publications_;
  std::unordered_map<ConsumerId, Subscription> subscriptions_;
  std::unordered_map<RoomId, std::vector<ProducerId>> by_room_;
  std::unordered_map<PeerId, std::vector<ProducerId>> by_publisher_;
  std::unordered_map<PeerId, std::vector<ConsumerId>> by_subscriber_;
  std::unordered_map<ProducerId, std::vector<ConsumerId>> by_publication_;
  std::uint64_t last_number_ = 0;
  Bus::Subscription peer_left_;
};

}  // namespace sluice
