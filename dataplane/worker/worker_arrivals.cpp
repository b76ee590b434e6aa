// How a transport comes from another worker: its records are taken in, and it is built on them as after a death.
#include <cstring>

#include "dataplane/packet/packet_class.hpp"
#include "dataplane/worker/record_check.hpp"
#include "dataplane/worker/worker_impl.hpp"

namespace sluice {
namespace {

/// How often the worker that relays is told where its peer is, though nothing changed: it may have lost the news.
constexpr Duration paths_again_after = std::chrono::seconds(1);

template <typename Record>
bool read(Bytes body, Record& record) {
  if (body.size() != sizeof(Record)) return false;
  std::memcpy(static_cast<void*>(&record), body.data(), sizeof(Record));
  return true;
}

}  // namespace

void WorkerCore::Impl::handle_relay(TimePoint now, WorkerId from, MutableBytes message) {
  const auto header = read_relay_header(message);
  if (!header || from == surroundings_.self) return surroundings_.counters.add(Counter::drop_relay);
  const MutableBytes body = message.subspan(sizeof(RelayHeader));
  switch (header->kind) {
    case RelayKind::datagram: {
      const std::uint32_t sockets = 2U * surroundings_.workers;
      if (header->socket >= sockets || body.empty() || body.size() > datagram_size_max)
        return surroundings_.counters.add(Counter::drop_relay);
      hops_ = header->hops;
      handle_datagram(now, tuple_of(*header), body);
      hops_ = 0;
      return;
    }
    case RelayKind::settled:
      return on_settled(from, *header);
    case RelayKind::paths:
      return on_paths(from, *header, body);
    case RelayKind::publication:
    case RelayKind::subscription:
    case RelayKind::spent:
    case RelayKind::transport:
    case RelayKind::nothing:
      on_record(now, from, *header, body);
      return wake_woken(now);
  }
}

void WorkerCore::Impl::on_record(TimePoint now, WorkerId from, const RelayHeader& header, Bytes body) {
  const TransportId id = TransportId::unpack(header.transport);
  const auto wanted = stager_.committed().transports.find(id.slot);
  // Not told of it yet, or no more: the other worker says it again until control tells it that the transport is over.
  if (wanted == stager_.committed().transports.end() || wanted->second.id != id) return;
  const bool is_last = header.kind == RelayKind::transport || header.kind == RelayKind::nothing;
  const auto arrival = arriving_.find(id.slot);
  if (arrival == arriving_.end()) {  // it is here, on these records or without
    if (is_last) tell_settled(from, header);
    return;
  }
  const TransportSpec& spec = wanted->second;
  if (!spec.from || spec.from->worker != from || spec.from->transport.packed() != header.source)
    return surroundings_.counters.add(Counter::drop_relay);
  const InProgress mine(note_, id);
  if (header.layout_hash != RecoveryLayout::segment_layout_hash || header.kind == RelayKind::nothing) {
    if (!is_last) return;
    build_blank(now, spec);
  } else if (!is_last) {
    return take_record(spec, arrival->second, header, body);
  } else if (!take_over(now, spec, arrival->second, header, body)) {
    return;
  }
  tell_settled(from, header);
}

/// Only rows that control wants on this transport: so there cannot be more than its tables hold.
void WorkerCore::Impl::take_record(const TransportSpec& spec, Arrival& arrival, const RelayHeader& header, Bytes body) {
  // Repeated messages are the same: whose beginning was lost with a predecessor is complete with the next time.
  constexpr std::uint32_t count_max = SegmentCapacity::publications + SegmentCapacity::subscriptions + 1;
  if (header.count >= count_max || !arrival.seen.insert(header.count).second) return;
  const DesiredState& wanted = stager_.committed();
  const auto fits = [&](const auto& rows, auto id) {
    const auto found = rows.find(id.slot);
    return found != rows.end() && found->second.id == id && found->second.transport == spec.id;
  };
  if (PublicationRecord record; header.kind == RelayKind::publication && read(body, record)) {
    const PublicationId id = PublicationId::unpack(record.id);
    if (fits(wanted.publications, id)) arrival.publications.insert_or_assign(id.slot, record);
  } else if (SubscriptionRecord sent; header.kind == RelayKind::subscription && read(body, sent)) {
    const SubscriptionId id = SubscriptionId::unpack(sent.id);
    if (fits(wanted.subscriptions, id) && sent.transport == spec.id.packed()) {
      arrival.subscriptions.insert_or_assign(id.slot, sent);
    } else if (sent.media_sender.next_index != 0 && arrival.spent.size() < SegmentCapacity::subscriptions) {
      // Control took the row back meanwhile: what was sealed for it stays sealed.
      arrival.spent.push_back(sent.ssrc);
      if (sent.rtx_ssrc != 0) arrival.spent.push_back(sent.rtx_ssrc);
    }
  } else if (header.kind == RelayKind::spent && body.size() % sizeof(std::uint32_t) == 0) {
    std::vector<std::uint32_t> list(body.size() / sizeof(std::uint32_t));
    std::memcpy(list.data(), body.data(), body.size());
    if (arrival.spent.size() < SegmentCapacity::subscriptions)
      arrival.spent.insert(arrival.spent.end(), list.begin(), list.end());
  } else {
    surroundings_.counters.add(Counter::drop_relay);
  }
}

/// False: something is missing, it will be told again.
bool WorkerCore::Impl::take_over(TimePoint now, const TransportSpec& spec, Arrival& arrival, const RelayHeader& header,
                                 Bytes body) {
  const RecoveryView& view = surroundings_.recovery;
  const TableSizes sizes = {static_cast<std::uint32_t>(view.transports.size()),
                            static_cast<std::uint32_t>(view.publications.size()),
                            static_cast<std::uint32_t>(view.subscriptions.size())};
  if (arrival.seen.size() != header.count) return false;
  TransportRecord record;
  if (!read(body, record) || record.id != spec.id.packed() || !is_sound(record, sizes)) {
    surroundings_.counters.add(Counter::drop_relay);
    build_blank(now, spec);
    return true;
  }
  empty_rows_of(spec.id);
  std::vector<WishLog::SpentSsrc> spent;
  for (const std::uint32_t ssrc : arrival.spent) spent.emplace_back(spec.id.slot, Ssrc{ssrc});
  for (const auto& [slot, sent] : arrival.publications) {
    if (is_sound(sent)) view.publications[slot] = sent;
  }
  for (const auto& [slot, sent] : arrival.subscriptions) {
    if (is_sound(sent)) {
      view.subscriptions[slot] = sent;
      continue;
    }
    spent.emplace_back(spec.id.slot, Ssrc{sent.ssrc});
    if (sent.rtx_ssrc != 0) spent.emplace_back(spec.id.slot, Ssrc{sent.rtx_ssrc});
  }
  if (wishes_) (void)wishes_->note_spent(spent);
  for (const auto& [slot, ssrc] : spent) router_.mark_spent(slot, ssrc);
  // The id last: a successor takes a record without it for one that is still to come.
  TransportRecord& place = view.transports[spec.id.slot];
  record.id = 0;
  place = record;
  place.id = spec.id.packed();
  record.sealer.keys.wipe();
  record.receiver.keys.wipe();

  arriving_.erase(spec.id.slot);
  set_transport(now, spec);
  adopt_waiting(now);
  Peer* peer = peer_of(spec.id);
  if (peer == nullptr) return true;  // quarantined
  resume_peer(now, *peer);
  router_.refresh_pictures(now, spec.id.slot);
  surroundings_.counters.add(Counter::transports_arrived);
  return true;
}

void WorkerCore::Impl::build_blank(TimePoint now, const TransportSpec& spec) {
  set_transport(now, spec, true);
  adopt_waiting(now);
}

void WorkerCore::Impl::empty_rows_of(TransportId id) {
  const DesiredState& wanted = stager_.committed();
  for (const auto& [slot, row] : wanted.publications) {
    if (row.transport == id) surroundings_.recovery.publications[slot] = {};
  }
  for (const auto& [slot, row] : wanted.subscriptions) {
    if (row.transport == id) surroundings_.recovery.subscriptions[slot] = {};
  }
}

void WorkerCore::Impl::tell_settled(WorkerId to, const RelayHeader& header) {
  RelayHeader answer;
  answer.kind = RelayKind::settled;
  answer.transport = header.source;
  if (relays_ != nullptr) (void)relays_->push(to, relay_message(answer));
}

void WorkerCore::Impl::tell_paths(TimePoint now, Peer& peer) noexcept {
  const auto& home = peer.transport.spec().home;
  peer.paths_due = never;
  if (!home || home->worker == surroundings_.self || relays_ == nullptr) return;
  peer.paths_due = now + paths_again_after;
  RelayPaths paths;
  peer.transport.ice().for_each_local_ufrag([&](std::string_view ufrag) { paths.ufrags.emplace_back(ufrag); });
  peer.transport.ice().for_each_tuple([&](const Tuple& tuple) { paths.tuples.push_back(tuple); });
  (void)relays_->push(home->worker, relay_message(relay_header(RelayKind::paths, home->transport), encode(paths)));
}

}  // namespace sluice
