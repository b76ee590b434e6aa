// The half of the router that control programs: rows come, change and go.
#include <algorithm>
#include <array>
#include <span>

#include "dataplane/memory/require.hpp"
#include "dataplane/router/router.hpp"

namespace sluice {
namespace {

template <typename T>
void erase_one(std::vector<T*>& list, const T* value) noexcept {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found == list.end()) return;
  *found = list.back();
  list.pop_back();
}

std::uint64_t seed_of(Entropy& entropy) {
  std::uint64_t seed = 0;
  entropy.fill(std::as_writable_bytes(std::span(&seed, 1)));
  return seed;
}

}  // namespace

Router::Router(std::span<PublicationRecord> publications, std::span<SubscriptionRecord> subscriptions,
               std::uint32_t transports, CounterBlock& counters, Entropy& entropy)
    : publication_records_(publications),
      subscription_records_(subscriptions),
      counters_(counters),
      entropy_(entropy),
      publications_(publications.size()),
      subscriptions_(subscriptions.size()),
      streams_(transports),
      targets_(subscriptions.size() * 2, seed_of(entropy)),
      woken_(transports),
      feedback_results_(256),
      random_(static_cast<std::uint32_t>(seed_of(entropy)) | 1U) {}

void Router::set_publication(TimePoint now, const PublicationSpec& spec, Transport* transport) {
  auto& row = publications_[spec.id.slot];
  if (row) {
    const bool opened = spec.forward && !row->spec().forward;
    const bool kept = row->id() == spec.id && transport == &row->sender() && row->update(spec);
    if (kept) {
      if (opened) {
        for (Subscription* subscription : row->subscribers()) subscription->restart();
        refresh_key_frames(now, *row);
      }
      return;
    }
    remove_publication(spec.id.slot);
  }
  if (transport == nullptr) return;
  row = std::make_unique<Publication>(now, spec, publication_records_[spec.id.slot], *transport);
  streams_of(*transport).publications.push_back(row.get());
  // Subscriptions that named it before it came.
  for (std::uint32_t slot = 0; slot < subscription_slots_used_; ++slot) {
    Subscription* subscription = subscriptions_[slot].get();
    if (subscription != nullptr && subscription->spec().publication == spec.id) link(now, *subscription);
  }
}

void Router::remove_publication(std::uint32_t slot) {
  auto& row = publications_[slot];
  if (!row) return;
  for (Subscription* subscription : row->subscribers()) subscription->fill_with(nullptr);
  row->subscribers().clear();
  erase_one(streams_of(row->sender()).publications, row.get());
  row->forget();
  row.reset();
}

bool Router::claim_ssrcs(const SubscriptionSpec& spec) {
  const Streams& streams = streams_[spec.transport.slot];
  // Also one that a removed subscription had: its indices are spent under these keys.
  if (streams.used_ssrcs.contains(spec.ssrc.value) || targets_.contains(target_key(spec.transport.slot, spec.ssrc)))
    return false;
  if (spec.rtx_ssrc != Ssrc{} && (streams.used_ssrcs.contains(spec.rtx_ssrc.value) ||
                                  targets_.contains(target_key(spec.transport.slot, spec.rtx_ssrc)))) {
    return false;
  }
  return true;
}

void Router::set_subscription(TimePoint now, const SubscriptionSpec& spec, Transport* transport) {
  auto& row = subscriptions_[spec.id.slot];
  if (row) {
    const bool kept = row->id() == spec.id && transport == &row->receiver() && row->update(spec);
    if (kept) {
      link(now, *row);
      return;
    }
    remove_subscription(spec.id.slot);
  }
  if (transport == nullptr) return;
  if (!claim_ssrcs(spec)) return counters_.add(Counter::drop_ssrc_conflict);
  row = std::make_unique<Subscription>(spec, subscription_records_[spec.id.slot], *transport, counters_, entropy_);
  subscription_slots_used_ = std::max(subscription_slots_used_, spec.id.slot + 1);
  streams_of(*transport).subscriptions.push_back(row.get());
  targets_.insert_or_assign(target_key(transport->id().slot, spec.ssrc), Target{spec.id.slot, false});
  if (spec.rtx_ssrc != Ssrc{})
    targets_.insert_or_assign(target_key(transport->id().slot, spec.rtx_ssrc), Target{spec.id.slot, true});
  link(now, *row);
}

void Router::remove_subscription(std::uint32_t slot, Farewell farewell) {
  auto& row = subscriptions_[slot];
  if (!row) return;
  unlink(*row);
  Transport& receiver = row->receiver();
  Streams& streams = streams_of(receiver);
  const SubscriptionSpec& spec = row->spec();
  if (row->sent_anything()) {
    streams.used_ssrcs.insert(spec.ssrc.value);
    if (spec.rtx_ssrc != Ssrc{}) streams.used_ssrcs.insert(spec.rtx_ssrc.value);
    if (farewell == Farewell::said) {
      const std::array<Ssrc, 2> gone{spec.ssrc, spec.rtx_ssrc};
      RtcpOutbox outbox(receiver);
      outbox.append([&](RtcpWriter& w) { return w.goodbye(std::span(gone).first(spec.rtx_ssrc == Ssrc{} ? 1 : 2)); });
    }
  }
  targets_.erase(target_key(receiver.id().slot, spec.ssrc));
  if (spec.rtx_ssrc != Ssrc{}) targets_.erase(target_key(receiver.id().slot, spec.rtx_ssrc));
  erase_one(streams.subscriptions, row.get());
  row->forget();
  row.reset();
}

void Router::forget_transport(std::uint32_t slot) {
  require(streams_[slot].publications.empty() && streams_[slot].subscriptions.empty());
  const bool woken = streams_[slot].woken;
  streams_[slot] = {};
  streams_[slot].woken = woken;  // its place in the list is still taken
}

void Router::link(TimePoint now, Subscription& subscription) {
  const PublicationId wanted = subscription.spec().publication;
  Publication* publication = wanted.valid() ? publications_[wanted.slot].get() : nullptr;
  if (publication != nullptr && publication->id() != wanted) publication = nullptr;
  if (publication != nullptr && publication->spec().kind != subscription.spec().kind) publication = nullptr;
  if (subscription.publication() != publication) {
    unlink(subscription);
    subscription.fill_with(publication);
    if (publication != nullptr) publication->subscribers().push_back(&subscription);
  }
  if (publication != nullptr) refresh_key_frames(now, *publication);
}

void Router::unlink(Subscription& subscription) noexcept {
  if (Publication* publication = subscription.publication()) erase_one(publication->subscribers(), &subscription);
  subscription.fill_with(nullptr);
}

void Router::on_receiver_ready(TimePoint now, Transport& transport) {
  for (Subscription* subscription : streams_of(transport).subscriptions) {
    subscription->restart();
    if (Publication* publication = subscription->publication()) refresh_key_frames(now, *publication);
  }
}

void Router::on_keys_replaced(TimePoint now, Transport& transport) {
  std::vector<SubscriptionSpec> specs;
  for (Subscription* subscription : streams_of(transport).subscriptions) specs.push_back(subscription->spec());
  for (const SubscriptionSpec& spec : specs) remove_subscription(spec.id.slot);
  streams_of(transport).used_ssrcs.clear();
  for (const SubscriptionSpec& spec : specs) set_subscription(now, spec, &transport);
}

void Router::request_key_frame(TimePoint now, PublicationId id) {
  if (!id.valid() || id.slot >= publications_.size()) return;
  Publication* publication = publications_[id.slot].get();
  if (publication == nullptr || publication->id() != id || publication->spec().kind != MediaKind::video) return;
  for (std::uint8_t i = 0; i < publication->layer_count(); ++i) {
    if (publication->observer().alive(i)) publication->layer(i).key_frames().want(now);
  }
  wake(publication->sender().id().slot);
}

void Router::refresh_pictures(TimePoint now) noexcept {
  for (std::uint32_t slot = 0; slot < subscription_slots_used_; ++slot) {
    Subscription* subscription = subscriptions_[slot].get();
    if (subscription == nullptr || subscription->spec().kind != MediaKind::video) continue;
    Publication* publication = subscription->publication();
    const auto layer = subscription->current_layer();
    if (publication == nullptr || !layer || *layer >= publication->layer_count()) continue;
    publication->layer(*layer).key_frames().want(now);
    wake(publication->sender().id().slot);
  }
}

void Router::refresh_pictures(TimePoint now, std::uint32_t transport_slot) noexcept {
  for (Publication* publication : streams_[transport_slot].publications) {
    if (publication->spec().kind != MediaKind::video) continue;
    for (const Subscription* subscription : publication->subscribers()) {
      const auto layer = subscription->current_layer();
      if (layer && *layer < publication->layer_count()) publication->layer(*layer).key_frames().want(now);
    }
  }
  wake(transport_slot);
}

void Router::wake(std::uint32_t transport_slot) noexcept {
  Streams& streams = streams_[transport_slot];
  if (streams.woken) return;
  streams.woken = true;
  woken_[woken_count_++] = transport_slot;
}

std::uint32_t Router::jitter_ms(std::uint32_t below) noexcept {
  // xorshift32: nothing depends on its being hard to guess (RFC 3550 section 6.3.1 wants reports not to march in step).
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 17U;
  random_ ^= random_ << 5U;
  return random_ % below;
}

}  // namespace sluice
