#include <algorithm>
#include <set>
#include <string>

#include "control/media/media_impl.hpp"
#include "control/media/media_state_codec.hpp"

namespace sluice {
namespace {

constexpr std::string_view peer_prefix = "media/peer/";
constexpr std::string_view producer_prefix = "media/producer/";
constexpr std::string_view consumer_prefix = "media/consumer/";

template <typename IdType>
std::string key_of(std::string_view prefix, const IdType& id) {
  return std::string(prefix) + id.value;
}

}  // namespace

// A log that refuses a record (it is full) keeps the one before: the successor finds somewhat older truth, and the
// call goes on now. A metric tells the operator.
void Media::Impl::put(const std::string& key, Bytes value) {
  if (!log_.put(key, value)) ++store_failures_;
}

void Media::Impl::store(const PeerId& id) {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) {
    log_.erase(key_of(peer_prefix, id));
  } else {
    put(key_of(peer_prefix, id), media::encode(entry->second.media));
  }
}

void Media::Impl::store(const ProducerId& id) {
  const auto entry = producers_.find(id);
  if (entry == producers_.end()) {
    log_.erase(key_of(producer_prefix, id));
  } else {
    put(key_of(producer_prefix, id), media::encode(entry->second));
  }
}

void Media::Impl::store(const ConsumerId& id) {
  const auto entry = consumers_.find(id);
  if (entry == consumers_.end()) {
    log_.erase(key_of(consumer_prefix, id));
  } else {
    put(key_of(consumer_prefix, id), media::encode(entry->second.consumer));
  }
}

void Media::Impl::restore() {
  log_.for_each(producer_prefix, [&](std::string_view key, Bytes value) {
    auto producer = media::decode_producer(value);
    if (!producer) return;
    const ProducerId id(std::string(key.substr(producer_prefix.size())));
    next_order_ = std::max(next_order_, producer->order + 1);
    producers_of_[producer->peer].emplace(producer->order, id);
    producers_.emplace(id, std::move(*producer));
  });
  log_.for_each(consumer_prefix, [&](std::string_view key, Bytes value) {
    auto consumer = media::decode_consumer(value);
    if (!consumer) return;
    const ConsumerId id(std::string(key.substr(consumer_prefix.size())));
    next_order_ = std::max(next_order_, consumer->order + 1);
    consumers_of_[consumer->peer].emplace(consumer->order, id);
    fed_by_[consumer->producer].emplace(consumer->order, id);
    consumers_.emplace(id, ConsumerEntry{std::move(*consumer), false});
  });
  restore_moves();
  std::vector<PeerId> renamed;
  log_.for_each(peer_prefix, [&](std::string_view key, Bytes value) {
    auto peer = media::decode_peer(value);
    if (!peer) return;
    const PeerId id(std::string(key.substr(peer_prefix.size())));
    const auto move = moves_.find(peer->room);
    if (move != moves_.end() && media::rename(*peer, move->second)) renamed.push_back(id);
    if (plane_.transport(peer->worker, peer->transport) == nullptr) {
      // The predecessor died between a new transport and this record, or the worker is gone: the peer offers again.
      PeerMedia fresh;
      fresh.room = peer->room;
      fresh.may_send = peer->may_send;
      fresh.may_receive = peer->may_receive;
      fresh.policy_epoch = peer->policy_epoch;
      peer = std::move(fresh);
    }
    for (Line& line : peer->lines) {
      const bool published =
          plane_.publication(peer->worker, line.publication) != nullptr && producers_.contains(line.producer);
      if (!published) {
        line.publication = {};
        line.producer = {};
      }
      if (plane_.subscription(peer->worker, line.subscription) == nullptr) line.subscription = {};
      if (!line.subscription.valid() || !consumers_.contains(line.consumer)) line.consumer = {};
      if (line.subscription.valid()) by_subscription_.insert_or_assign({peer->worker, line.subscription}, id);
    }
    if (peer->transport.valid()) by_transport_.insert_or_assign({peer->worker, peer->transport}, id);
    peers_.emplace(id, PeerEntry{std::move(*peer), {}});
  });
  for (const PeerId& id : renamed) store(id);
  drop_orphan_rows();
  drop_orphan_departures();
  // Finds nothing to do unless the predecessor died in the middle of a change.
  for (const auto& [id, entry] : peers_) settle(id);
}

// Rows that no line knows: the predecessor died between making them and storing the peer.
void Media::Impl::drop_orphan_rows() {
  std::set<std::pair<WorkerId, PublicationId>> publications;
  for (const auto& [id, entry] : peers_)
    for (const Line& line : entry.media.lines) publications.emplace(entry.media.worker, line.publication);
  // Those of a room that is being moved are the old worker's until it hands them over.
  std::set<std::pair<WorkerId, TransportId>> leaving;
  std::set<std::pair<WorkerId, SubscriptionId>> left_subscriptions;
  for (const auto& [room, move] : moves_) {
    if (move.stage != media::RoomMove::Stage::preparing) continue;
    for (const media::MovedPeer& peer : move.peers) {
      leaving.emplace(move.from, peer.before);
      for (const auto& [before, after] : peer.publications) publications.emplace(move.from, before);
      for (const auto& [before, after] : peer.subscriptions) left_subscriptions.emplace(move.from, before);
    }
  }
  for (const WorkerId worker : plane_.ids()) {
    const workers::MediaPlane::Rows rows = plane_.rows(worker);
    for (const TransportId id : rows.transports)
      if (!by_transport_.contains({worker, id}) && !leaving.contains({worker, id})) plane_.remove_transport(worker, id);
    for (const PublicationId id : rows.publications)
      if (!publications.contains({worker, id})) plane_.remove_publication(worker, id);
    for (const SubscriptionId id : rows.subscriptions)
      if (!by_subscription_.contains({worker, id}) && !left_subscriptions.contains({worker, id}))
        plane_.remove_subscription(worker, id);
  }
}

std::optional<Media::NewerPolicy> Media::Impl::newer_policy(const PeerId& id) const {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) return std::nullopt;
  const PeerMedia& peer = entry->second.media;
  const std::uint32_t known = mark_epoch(peer.policy_epoch);
  NewerPolicy newer;
  const auto look = [&](const std::optional<PolicyMark>& mark, bool& closed) {
    if (!mark || mark->epoch <= known) return;
    newer.epoch = std::max<std::uint64_t>(newer.epoch, mark->epoch - 1);  // as the core counts
    if (!mark->open) closed = true;
  };
  for (const Line& line : peer.lines) {
    if (line.publication.valid()) look(plane_.policy_of(peer.worker, line.publication), newer.send_closed);
    if (line.subscription.valid()) look(plane_.policy_of(peer.worker, line.subscription), newer.receive_closed);
  }
  return newer.epoch == 0 ? std::nullopt : std::optional(newer);
}

void Media::Impl::keep_only(const Survivors& survivors) {
  const auto gone = [](const auto& table, const auto& survives) {
    std::vector<typename std::decay_t<decltype(table)>::key_type> ids;
    for (const auto& [id, entry] : table)
      if (!survives(id)) ids.push_back(id);
    return ids;
  };
  for (const PeerId& id : gone(peers_, survivors.peer)) drop_peer(id);
  for (const ConsumerId& id : gone(consumers_, survivors.consumer)) drop_consumer(id);
  for (const ProducerId& id : gone(producers_, survivors.producer)) drop_producer(id);
  // The predecessor may have died between the core's record and ours: the core's word counts.
  if (survivors.restrictions) {
    std::vector<PeerId> ids;
    for (const auto& [id, entry] : peers_) ids.push_back(id);
    for (const PeerId& id : ids) restrict(id, survivors.restrictions(id));
    if (survivors.outdated) {
      for (const PeerId& id : ids) {
        if (const auto newer = newer_policy(id)) survivors.outdated(id, *newer);
      }
    }
  }
  tell();
}

}  // namespace sluice
