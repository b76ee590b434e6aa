#include "control/workers/worker_link.hpp"

#include <algorithm>
#include <utility>

namespace sluice::workers {
namespace {

using namespace std::chrono_literals;

// A full ring means a worker that has not looked for a while; it looks many times in this.
constexpr Duration ring_full_retry = 2ms;
// A worker applies a generation within its next turn. After this long the commands are taken for lost.
constexpr Duration commit_patience = 2s;
constexpr Duration refusal_backoff_min = 100ms;
constexpr Duration refusal_backoff_max = 5s;
// So that a worker that floods its ring cannot hold the loop.
constexpr int events_per_poll = 1024;

static_assert(static_cast<int>(schema::TransportState::closed) == static_cast<int>(TransportPhase::closed));
static_assert(static_cast<int>(schema::FailureReason::quarantined) == static_cast<int>(TransportFailure::quarantined));

}  // namespace

WorkerLink::WorkerLink(WorkerId id, WorkerChannel channel, DesiredState& state, std::uint32_t epoch)
    : id_(id),
      channel_(std::move(channel)),
      commands_(RingView(channel_.segment->commands), std::move(channel_.command_bell)),
      events_(RingView(channel_.segment->events), std::move(channel_.event_bell)),
      state_(state),
      generation_{std::uint64_t{epoch} << 32U},
      worker_incarnation_(channel_.segment->generations.worker_incarnation.load(std::memory_order_acquire)),
      events_dropped_(channel_.segment->counters.get(Counter::events_dropped)) {}

template <typename IdType, typename News>
bool WorkerLink::remember(std::vector<Told<IdType, News>>& told, IdType id, News news) {
  if (told.size() <= id.slot) told.resize(id.slot + 1U);
  const Told<IdType, News> next{id, news};
  if (told[id.slot] == next) return false;
  told[id.slot] = next;
  return true;
}

bool WorkerLink::settled() const {
  return counts_.generations > 0 && outbox_.empty() && !snapshot_wanted_ && !state_.changed() &&
         channel_.segment->generations.committed.load(std::memory_order_acquire) == generation_.value;
}

void WorkerLink::poll(TimePoint now, MediaPlaneListener* listener) {
  events_.wake_up();
  deadline_ = never;
  take_events(now, listener);
  watch_worker(now);
  if (std::exchange(resync_wanted_, false)) resync(listener);
  send(now);
}

void WorkerLink::take_events(TimePoint now, MediaPlaneListener* listener) {
  for (int i = 0; i < events_per_poll; ++i) {
    const schema::Event* event = events_.receive();
    if (event == nullptr) return;
    take_event(now, *event, listener);
  }
  deadline_ = now;
}

void WorkerLink::take_event(TimePoint now, const schema::Event& event, MediaPlaneListener* listener) {
  if (const auto* changed = event.body_as_TransportChanged()) {
    tell(TransportId::unpack(changed->id()), changed->state(), changed->reason(), listener);
  } else if (const auto* publication = event.body_as_PublicationChanged()) {
    tell(PublicationId::unpack(publication->id()), publication->active_layers(), listener);
  } else if (const auto* subscription = event.body_as_SubscriptionChanged()) {
    tell(SubscriptionId::unpack(subscription->id()), subscription->current_layer(), listener);
  } else if (const auto* wanted = event.body_as_SnapshotWanted()) {
    // The first refusal may come from commands that a predecessor of either side left in the ring; refusing the same thing
    // again and again must not make a storm of snapshots.
    if (wanted->refused_generation() != 0) {
      ++counts_.refused;
      want_snapshot(now + refusal_backoff_);
      refusal_backoff_ = std::clamp(refusal_backoff_ * 2, refusal_backoff_min, refusal_backoff_max);
    } else {
      want_snapshot(now);
    }
  } else if (const auto* applied = event.body_as_GenerationApplied()) {
    if (applied->generation() == generation_.value) refusal_backoff_ = {};
  }
}

void WorkerLink::tell(TransportId id, schema::TransportState state, schema::FailureReason reason,
                      MediaPlaneListener* listener) {
  if (state_.transports().find(id) == nullptr) {
    ++counts_.foreign_events;
    return;
  }
  if (!remember(told_transports_, id, std::pair(state, reason)) || listener == nullptr) return;
  listener->on_transport_changed(id_, id, static_cast<TransportPhase>(state), static_cast<TransportFailure>(reason));
}

void WorkerLink::tell(PublicationId id, std::uint8_t active_layers, MediaPlaneListener* listener) {
  constexpr std::uint8_t all_layers = (1U << live_layers_max) - 1;
  if (state_.publications().find(id) == nullptr || active_layers > all_layers) {
    ++counts_.foreign_events;
    return;
  }
  if (remember(told_publications_, id, active_layers) && listener != nullptr)
    listener->on_publication_changed(id_, id, active_layers);
}

void WorkerLink::tell(SubscriptionId id, std::uint8_t layer, MediaPlaneListener* listener) {
  if (state_.subscriptions().find(id) == nullptr || (layer != no_layer && layer >= live_layers_max)) {
    ++counts_.foreign_events;
    return;
  }
  if (!remember(told_subscriptions_, id, layer) || listener == nullptr) return;
  listener->on_subscription_changed(id_, id, layer == no_layer ? std::nullopt : std::optional(layer));
}

// Rows are collected first, because the listener may change the desired state.
void WorkerLink::resync(MediaPlaneListener* listener) {
  ++counts_.resyncs;
  const LiveTables& live = channel_.segment->live;
  std::vector<TransportRow> transports;
  live.transports.for_each([&](const TransportRow& row) { transports.push_back(row); });
  std::vector<PublicationRow> publications;
  live.publications.for_each([&](const PublicationRow& row) { publications.push_back(row); });
  std::vector<SubscriptionRow> subscriptions;
  live.subscriptions.for_each([&](const SubscriptionRow& row) { subscriptions.push_back(row); });
  for (const TransportRow& row : transports) tell(TransportId::unpack(row.id), row.state, row.reason, listener);
  for (const PublicationRow& row : publications) {
    unsigned active = 0;
    for (std::size_t i = 0; i < row.layers.size(); ++i) active |= row.layers[i].active != 0 ? 1U << i : 0U;
    tell(PublicationId::unpack(row.id), static_cast<std::uint8_t>(active), listener);
  }
  for (const SubscriptionRow& row : subscriptions) tell(SubscriptionId::unpack(row.id), row.current_layer, listener);
}

void WorkerLink::want_snapshot(TimePoint when) {
  snapshot_not_before_ = snapshot_wanted_ ? std::min(snapshot_not_before_, when) : when;
  snapshot_wanted_ = true;
}

void WorkerLink::watch_worker(TimePoint now) {
  const Generations& generations = channel_.segment->generations;
  const std::uint64_t incarnation = generations.worker_incarnation.load(std::memory_order_acquire);
  if (std::exchange(worker_incarnation_, incarnation) != incarnation) {
    want_snapshot(now);
    resync_wanted_ = true;
  }
  const std::uint64_t dropped = channel_.segment->counters.get(Counter::events_dropped);
  if (std::exchange(events_dropped_, dropped) != dropped) resync_wanted_ = true;
  const bool all_sent = outbox_.empty() && !snapshot_wanted_ && counts_.generations > 0;
  if (!all_sent || generations.committed.load(std::memory_order_acquire) == generation_.value) return;
  if (now - sent_at_ < commit_patience) {
    deadline_ = std::min(deadline_, sent_at_ + commit_patience);
  } else if (commands_.backlog_bytes() == 0) {
    want_snapshot(now);
  } else {
    // A worker that does not take its commands is stalled: the supervisor sees that by its heartbeat.
    deadline_ = std::min(deadline_, now + commit_patience);
  }
}

void WorkerLink::send(TimePoint now) {
  for (;;) {
    if (snapshot_wanted_ && snapshot_not_before_ <= now) {
      outbox_.clear();
      queue_snapshot();
    } else if (outbox_.empty() && !snapshot_wanted_ && state_.changed()) {
      queue_changes();
    }
    if (!drain_outbox()) {
      ++counts_.ring_full;
      deadline_ = std::min(deadline_, now + ring_full_retry);
      break;
    }
    if (snapshot_wanted_ || !state_.changed()) break;
  }
  if (snapshot_wanted_) deadline_ = std::min(deadline_, snapshot_not_before_);
  if (outbox_.empty() && counts_.generations > 0 &&
      channel_.segment->generations.committed.load(std::memory_order_acquire) != generation_.value) {
    if (sent_at_ == TimePoint{}) sent_at_ = now;
    deadline_ = std::min(deadline_, std::max(now, sent_at_) + commit_patience);
  }
  commands_.wake();
}

bool WorkerLink::drain_outbox() {
  for (; !outbox_.empty(); outbox_.pop_front()) {
    const PushResult result = commands_.send_bytes(outbox_.front(), Wake::later);
    if (result == PushResult::full) return false;
    if (result == PushResult::too_large) ++counts_.too_large;
    if (outbox_.size() == 1) sent_at_ = TimePoint{};  // the Commit is out: patience starts
  }
  while (!key_frames_.empty()) {
    if (commands_.send_bytes(encode_key_frame_request(*key_frames_.begin()), Wake::later) == PushResult::full) return false;
    key_frames_.erase(key_frames_.begin());
  }
  return true;
}

void WorkerLink::queue_snapshot() {
  snapshot_wanted_ = false;
  (void)state_.take_changes();
  ++counts_.snapshots;
  ++counts_.generations;
  ++generation_.value;
  outbox_.push_back(encode_begin(generation_, true));
  for (const auto& [slot, row] : state_.transports().rows()) outbox_.push_back(encode(row.first, row.second));
  for (const auto& [slot, row] : state_.publications().rows()) outbox_.push_back(encode(row.first, row.second));
  for (const auto& [slot, row] : state_.subscriptions().rows()) outbox_.push_back(encode(row.first, row.second));
  for (const auto& [id, departure] : state_.departures()) outbox_.push_back(encode(id, departure));
  outbox_.push_back(encode_commit(generation_));
}

// Removals first, so that a slot is free before its next incarnation comes.
void WorkerLink::queue_changes() {
  const DesiredState::Changes changes = state_.take_changes();
  ++counts_.generations;
  ++generation_.value;
  outbox_.push_back(encode_begin(generation_, false));
  for (const SubscriptionId id : changes.subscriptions.removed) outbox_.push_back(encode_remove(id));
  for (const PublicationId id : changes.publications.removed) outbox_.push_back(encode_remove(id));
  for (const TransportId id : changes.transports.removed) outbox_.push_back(encode_remove(id));
  for (const TransportId id : changes.not_departed) outbox_.push_back(encode_remove_departure(id));
  for (const TransportId id : changes.departed) outbox_.push_back(encode(id, state_.departures().at(id)));
  for (const TransportId id : changes.transports.upserted) outbox_.push_back(encode(id, *state_.transports().find(id)));
  for (const PublicationId id : changes.publications.upserted)
    outbox_.push_back(encode(id, *state_.publications().find(id)));
  for (const SubscriptionId id : changes.subscriptions.upserted)
    outbox_.push_back(encode(id, *state_.subscriptions().find(id)));
  outbox_.push_back(encode_commit(generation_));
}

}  // namespace sluice::workers
