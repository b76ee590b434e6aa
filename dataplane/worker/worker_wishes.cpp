// What control wants, and how the worker comes from what is to what is wanted.
#include <algorithm>

#include "dataplane/worker/worker_impl.hpp"

namespace sluice {

void WorkerCore::Impl::handle_command(TimePoint now, const schema::Command& command) {
  if (const auto* request = command.body_as_RequestKeyFrame()) {
    router_.request_key_frame(now, PublicationId::unpack(request->publication()));
    return wake_woken(now);
  }
  switch (stager_.handle(command)) {
    case StagingOutcome::staged:
      return;
    case StagingOutcome::ignored:
      return;
    case StagingOutcome::refused:
      surroundings_.counters.add(Counter::commands_refused);
      surroundings_.counters.add(Counter::generations_refused);
      return events_.snapshot_wanted(surroundings_.incarnation, stager_.staging_generation());
    case StagingOutcome::repeated:
      return events_.generation_applied(stager_.generation());
    case StagingOutcome::committed:
      break;
  }
  surroundings_.counters.add(Counter::commands_stale, stager_.stale_count() - stale_counted_);
  stale_counted_ = stager_.stale_count();
  surroundings_.counters.add(Counter::policy_stale, stager_.stale_policy_count() - stale_policy_counted_);
  stale_policy_counted_ = stager_.stale_policy_count();
  const GenerationChanges& changes = stager_.changes();
  surroundings_.counters.add(Counter::commands_applied,
                             changes.transports.size() + changes.publications.size() + changes.subscriptions.size());
  std::vector<WishLog::Handover> leaving = make_handovers();
  keep_wishes(changes, leaving);
  for (WishLog::Handover& handover : leaving) depart(now, std::move(handover));
  follow_departures(changes.departures);
  reconcile(now, changes);
  events_.generation_applied(stager_.generation());
  wake_woken(now);
}

/// Before the generation takes effect: see WishLog::commit.
void WorkerCore::Impl::keep_wishes(const GenerationChanges& changes, const std::vector<WishLog::Handover>& leaving) {
  const DesiredState& wanted = stager_.committed();
  if (wishes_) {
    std::vector<WishLog::SpentSsrc> spent;
    for (const std::uint32_t slot : changes.subscriptions) {
      const Subscription* row = router_.subscription(slot);
      if (row == nullptr || !row->sent_anything()) continue;
      const auto found = wanted.subscriptions.find(slot);
      const SubscriptionSpec& was = row->spec();
      const bool goes_on = found != wanted.subscriptions.end() && found->second.id == was.id &&
                           found->second.ssrc == was.ssrc && found->second.rtx_ssrc == was.rtx_ssrc;
      if (goes_on) continue;
      spent.emplace_back(was.transport.slot, was.ssrc);
      if (was.rtx_ssrc != Ssrc{}) spent.emplace_back(was.transport.slot, was.rtx_ssrc);
    }
    if (!wishes_->commit(stager_.generation(), wanted, changes, spent, leaving))
      surroundings_.counters.add(Counter::wishes_not_kept);
  }
  for (const std::uint32_t slot : changes.transports) {
    const auto found = wanted.transports.find(slot);
    if (peers_[slot] && (found == wanted.transports.end() || found->second.id != peers_[slot]->transport.id()) && wishes_)
      wishes_->forget_spent(slot);
    std::erase_if(quarantined_, [&](TransportId id) {
      const bool over = id.slot == slot && (found == wanted.transports.end() || found->second.id != id);
      if (over) live_.erase(id);
      if (over && wishes_) wishes_->forgive(id);
      return over;
    });
  }
}

void WorkerCore::Impl::reconcile(TimePoint now, const GenerationChanges& changes) {
  const DesiredState& wanted = stager_.committed();
  // Away with what is not wanted, receivers first.
  for (const std::uint32_t slot : changes.subscriptions) {
    const Subscription* row = router_.subscription(slot);
    const auto found = wanted.subscriptions.find(slot);
    waiting_subscriptions_.erase(slot);
    if (row == nullptr || (found != wanted.subscriptions.end() && found->second.id == row->id())) continue;
    live_.erase(row->id());
    router_.remove_subscription(slot);
  }
  for (const std::uint32_t slot : changes.publications) {
    const Publication* row = router_.publication(slot);
    const auto found = wanted.publications.find(slot);
    waiting_publications_.erase(slot);
    if (row == nullptr || (found != wanted.publications.end() && found->second.id == row->id())) continue;
    live_.erase(row->id());
    router_.remove_publication(slot);
  }
  for (const std::uint32_t slot : changes.transports) {
    const auto found = wanted.transports.find(slot);
    if (const auto arrival = arriving_.find(slot); arrival != arriving_.end() && found == wanted.transports.end())
      arriving_.erase(arrival);
    if (!peers_[slot]) continue;
    if (found == wanted.transports.end() || found->second.id != peers_[slot]->transport.id()) remove_transport(slot);
  }
  // Then what is, senders first.
  bool added = false;
  for (const std::uint32_t slot : changes.transports) {
    const auto found = wanted.transports.find(slot);
    if (found == wanted.transports.end()) continue;
    added = added || !peers_[slot];
    set_transport(now, found->second);
  }
  for (const std::uint32_t slot : changes.publications) set_publication(now, slot);
  for (const std::uint32_t slot : changes.subscriptions) set_subscription(now, slot);
  if (added) adopt_waiting(now);
}

void WorkerCore::Impl::set_transport(TimePoint now, const TransportSpec& spec, bool blank_allowed) {
  if (quarantined(spec.id)) return live_.write_quarantined(spec.id);
  const InProgress mine(note_, spec.id);
  auto& peer = peers_[spec.id.slot];
  if (!peer) {
    const bool has_records = surroundings_.recovery.transports[spec.id.slot].id == spec.id.packed();
    const bool comes = spec.from && spec.from->worker != surroundings_.self && relays_ != nullptr;
    if (comes && !has_records && !blank_allowed) {
      (void)arriving_[spec.id.slot];
      return;
    }
    // Control gives up on the other worker: what came of it so far counts for nothing.
    if (arriving_.erase(spec.id.slot) != 0 && !has_records) empty_rows_of(spec.id);
    peer = std::make_unique<Peer>(now, spec, surroundings_.recovery.transports[spec.id.slot], for_transports_);
  } else {
    const TransportSpec before = peer->transport.spec();
    peer->transport.update(spec);
    if (before.fingerprint != spec.fingerprint || before.dtls_role != spec.dtls_role) {
      // Another endpoint or role: the old association and its keys are over (RFC 8842 section 5.3).
      handshakes_.close(spec.id);
      peer->transport.wipe_keys();
      peer->association = AssociationState::none;
      router_.on_keys_replaced(now, peer->transport);
      if (wishes_) wishes_->forget_spent(spec.id.slot);
      if (peer->transport.ice().selected()) {
        enter(now, *peer, TransportPhase::ice_connected);
        open_association(now, *peer);
      } else {
        enter(now, *peer, TransportPhase::waiting);
      }
    }
    if (before.local_ufrag.view() != spec.local_ufrag.view()) {
      if (!peer->previous_ufrag.empty()) ufrags_.erase(std::string(peer->previous_ufrag.view()));
      peer->previous_ufrag = before.local_ufrag;
    }
  }
  ufrags_.insert_or_assign(std::string(spec.local_ufrag.view()), spec.id.slot);
  peer->live_due = now;
  peer->paths_due = now;
  deadlines_.lower(spec.id.slot, now);
}

void WorkerCore::Impl::remove_transport(std::uint32_t slot, Router::Farewell farewell) {
  auto& peer = peers_[slot];
  if (!peer) return;
  const InProgress mine(note_, peer->transport.id());
  // What refers to it is inert from now on, whether it is still wanted or not.
  while (!router_.subscriptions_of(slot).empty()) {
    const SubscriptionId id = router_.subscriptions_of(slot).back()->id();
    live_.erase(id);
    router_.remove_subscription(id.slot, farewell);
    waiting_subscriptions_.insert(id.slot);
  }
  while (!router_.publications_of(slot).empty()) {
    const PublicationId id = router_.publications_of(slot).back()->id();
    live_.erase(id);
    router_.remove_publication(id.slot);
    waiting_publications_.insert(id.slot);
  }
  router_.forget_transport(slot);
  if (farewell == Router::Farewell::said && peer->association != AssociationState::none)
    handshakes_.close(peer->transport.id());
  const auto forget = [&](const Ufrag& ufrag) {
    const auto found = ufrags_.find(ufrag.view());
    if (found != ufrags_.end() && found->second == slot) ufrags_.erase(found);
  };
  forget(peer->transport.spec().local_ufrag);
  forget(peer->previous_ufrag);
  peer->transport.ice().for_each_tuple([&](const Tuple& tuple) {
    const std::uint32_t* owner = tuples_.find(tuple);
    if (owner != nullptr && *owner == slot) tuples_.erase(tuple);
  });
  live_.erase(peer->transport.id());
  deadlines_.set(slot, never);
  peer->transport.forget();
  peer.reset();
}

void WorkerCore::Impl::set_publication(TimePoint now, std::uint32_t slot) {
  waiting_publications_.erase(slot);
  const auto found = stager_.committed().publications.find(slot);
  if (found == stager_.committed().publications.end()) return;
  const InProgress mine(note_, found->second.transport);
  Peer* peer = peer_of(found->second.transport);
  if (peer == nullptr) waiting_publications_.insert(slot);
  router_.set_publication(now, found->second, peer == nullptr ? nullptr : &peer->transport);
  if (peer == nullptr) {
    live_.erase(found->second.id);
  } else {
    router_.publication(slot)->show_level_at(live_.level_word(slot));
    live_.write_publication(now, *router_.publication(slot));
    deadlines_.lower(peer->transport.id().slot, now);
  }
}

void WorkerCore::Impl::set_subscription(TimePoint now, std::uint32_t slot) {
  waiting_subscriptions_.erase(slot);
  const auto found = stager_.committed().subscriptions.find(slot);
  if (found == stager_.committed().subscriptions.end()) return;
  const InProgress mine(note_, found->second.transport);
  Peer* peer = peer_of(found->second.transport);
  if (peer == nullptr) waiting_subscriptions_.insert(slot);
  router_.set_subscription(now, found->second, peer == nullptr ? nullptr : &peer->transport);
  if (Subscription* row = router_.subscription(slot)) {
    live_.write_subscription(now, *row);
  } else {
    live_.erase(found->second.id);
  }
}

void WorkerCore::Impl::adopt_waiting(TimePoint now) {
  const std::set<std::uint32_t> publications = waiting_publications_;
  for (const std::uint32_t slot : publications) set_publication(now, slot);
  const std::set<std::uint32_t> subscriptions = waiting_subscriptions_;
  for (const std::uint32_t slot : subscriptions) set_subscription(now, slot);
}

}  // namespace sluice
