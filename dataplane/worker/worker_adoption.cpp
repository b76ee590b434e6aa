// How a worker takes the place of a dead one: everything is built again on the records that it left.
#include <algorithm>

#include "dataplane/worker/record_check.hpp"
#include "dataplane/worker/worker_impl.hpp"

namespace sluice {
namespace {

/// One crash may be bad luck; the second with the same session's packet in hand is not.
constexpr std::uint32_t blames_max = 2;

template <typename Spec>
std::vector<std::uint32_t> slots_of(const DesiredRows<Spec>& rows) {
  std::vector<std::uint32_t> slots;
  slots.reserve(rows.size());
  for (const auto& [slot, spec] : rows) slots.push_back(slot);
  return slots;
}

template <typename Spec, typename Record>
bool is_wanted(const DesiredRows<Spec>& rows, std::size_t slot, const Record& record) {
  const auto found = rows.find(static_cast<std::uint32_t>(slot));
  return found != rows.end() && found->second.id.packed() == record.id;
}

}  // namespace

WorkerCore::Adopted WorkerCore::Impl::adopt(TimePoint now) {
  Adopted adopted;
  if (!wishes_) return adopted;
  judge_predecessor(adopted);
  const TableSizes sizes = {static_cast<std::uint32_t>(surroundings_.recovery.transports.size()),
                            static_cast<std::uint32_t>(surroundings_.recovery.publications.size()),
                            static_cast<std::uint32_t>(surroundings_.recovery.subscriptions.size())};
  WishLog::Loaded loaded = wishes_->load(sizes);
  adopted.unsound += loaded.refused;
  for (const auto& [slot, ssrc] : loaded.spent) router_.mark_spent(slot, ssrc);
  clear_leftovers(loaded.wanted, adopted);
  stager_.restore(loaded.generation, std::move(loaded.wanted));
  restore_departed(std::move(loaded.left));

  const DesiredState& wanted = stager_.committed();
  live_.forget_unwanted(wanted);
  reconcile(now, {slots_of(wanted.transports), slots_of(wanted.publications), slots_of(wanted.subscriptions), {}});
  for (auto& peer : peers_) {
    if (!peer) continue;
    const InProgress mine(note_, peer->transport.id());
    resume_peer(now, *peer);
    ++adopted.transports;
    if (peer->transport.keyed()) ++adopted.keyed;
    const std::uint32_t slot = peer->transport.id().slot;
    adopted.publications += static_cast<std::uint32_t>(router_.publications_of(slot).size());
    adopted.subscriptions += static_cast<std::uint32_t>(router_.subscriptions_of(slot).size());
  }
  router_.refresh_pictures(now);
  wake_woken(now);
  if (adopted.transports > 0) surroundings_.counters.add(Counter::adoptions);
  return adopted;
}

void WorkerCore::Impl::judge_predecessor(Adopted& adopted) {
  const std::uint64_t session = note_.session.exchange(0, std::memory_order_relaxed);
  const bool noted = note_.signal.exchange(0, std::memory_order_relaxed) != 0;
  const bool guilty = noted || surroundings_.fate == PredecessorFate::crashed || surroundings_.fate == PredecessorFate::hung;
  if (session != 0 && guilty) {
    adopted.blamed = session;
    adopted.quarantined = wishes_->blame(TransportId::unpack(session)) >= blames_max;
    surroundings_.counters.add(Counter::sessions_blamed);
    if (adopted.quarantined) surroundings_.counters.add(Counter::sessions_quarantined);
  }
  wishes_->for_each_blamed([&](TransportId id, std::uint32_t blames) {
    if (blames >= blames_max) quarantined_.insert(id);
  });
}

/// Records that nobody wants any more, and those that are not sound. What was sealed under keys that go on stays spent.
void WorkerCore::Impl::clear_leftovers(const DesiredState& wanted, Adopted& adopted) {
  const RecoveryView& view = surroundings_.recovery;
  const TableSizes sizes = {static_cast<std::uint32_t>(view.transports.size()),
                            static_cast<std::uint32_t>(view.publications.size()),
                            static_cast<std::uint32_t>(view.subscriptions.size())};
  for (std::size_t slot = 0; slot < view.transports.size(); ++slot) {
    TransportRecord& record = view.transports[slot];
    if (record.id == 0) continue;  // a page that was never touched stays so
    const bool is_kept = is_wanted(wanted.transports, slot, record) && !quarantined(TransportId::unpack(record.id));
    const bool sound = is_sound(record, sizes);
    if (is_kept && sound) continue;
    if (is_kept) ++adopted.unsound;
    record.sealer.keys.wipe();
    record.receiver.keys.wipe();
    record = TransportRecord{};
  }
  for (std::size_t slot = 0; slot < view.publications.size(); ++slot) {
    PublicationRecord& record = view.publications[slot];
    if (record.id == 0) continue;
    const bool is_kept = is_wanted(wanted.publications, slot, record);
    if (is_kept && is_sound(record)) continue;
    if (is_kept) ++adopted.unsound;
    record = PublicationRecord{};
  }
  std::vector<WishLog::SpentSsrc> spent;
  for (std::size_t slot = 0; slot < view.subscriptions.size(); ++slot) {
    SubscriptionRecord& record = view.subscriptions[slot];
    if (record.id == 0) continue;
    const bool is_kept = is_wanted(wanted.subscriptions, slot, record);
    if (is_kept && is_sound(record)) continue;
    if (is_kept) ++adopted.unsound;
    const TransportId transport = TransportId::unpack(record.transport);
    const bool keys_go_on =
        transport.slot < view.transports.size() && view.transports[transport.slot].id == transport.packed();
    if (keys_go_on && record.media_sender.next_index != 0) spent.emplace_back(transport.slot, Ssrc{record.ssrc});
    if (keys_go_on && record.rtx_sender.next_index != 0) spent.emplace_back(transport.slot, Ssrc{record.rtx_ssrc});
    record = SubscriptionRecord{};
  }
  (void)wishes_->note_spent(spent);
  for (const auto& [slot, ssrc] : spent) router_.mark_spent(slot, ssrc);
}

void WorkerCore::Impl::resume_peer(TimePoint now, Peer& peer) {
  Transport& transport = peer.transport;
  const std::uint32_t slot = transport.id().slot;
  transport.ice().for_each_tuple([&](const Tuple& tuple) { tuples_.insert_or_assign(tuple, slot); });
  transport.ice().for_each_local_ufrag([&](std::string_view ufrag) {
    ufrags_.insert_or_assign(std::string(ufrag), slot);
    if (ufrag != transport.spec().local_ufrag.view()) peer.previous_ufrag = Ufrag::from(ufrag).value_or(Ufrag());
  });
  restore_counts(peer);
  // The phase may be of a moment before the rest of the record.
  const bool selected = transport.ice().selected().has_value();
  if (transport.phase() == TransportPhase::closed) return;
  if (transport.keyed() && selected) {
    enter(now, peer, TransportPhase::connected);
  } else if (!transport.keyed() && transport.phase() >= TransportPhase::dtls_connecting) {
    enter(now, peer, selected ? TransportPhase::ice_connected : TransportPhase::waiting);
  }
  // Also where there are keys: the handshaker tells those again that we may have lost (and nothing where it is new itself).
  if (selected) open_association(now, peer);
  if (transport.keyed()) peer.association = AssociationState::open;
  peer.live_due = now;
  deadlines_.lower(slot, now);
}

/// What the live rows say survives the worker; they are at most half a second old.
void WorkerCore::Impl::restore_counts(Peer& peer) {
  const std::uint32_t slot = peer.transport.id().slot;
  if (const auto row = surroundings_.live.transports.read(peer.transport.id())) {
    peer.transport.restore_totals({row->packets_in, row->bytes_in, row->packets_out, row->bytes_out});
    peer.created = std::min(peer.created, TimePoint(Duration(row->created_ns)));
  }
  for (Subscription* subscription : router_.subscriptions_of(slot)) {
    const auto row = surroundings_.live.subscriptions.read(subscription->id());
    if (!row) continue;
    subscription->restore_totals({row->packets, row->bytes, row->retransmitted, row->nacks, row->key_frame_requests, 0});
  }
}

}  // namespace sluice
