#include "dataplane/handshaker/handshaker_core.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include "schemas/events_generated.h"

namespace sluice {
namespace {

/// A worker whose ring is full takes what is in it within a tick or two.
constexpr Duration retry_after = std::chrono::milliseconds(5);
/// A client handshake over budget waits for this long.
constexpr Duration begin_again_after = std::chrono::milliseconds(50);

std::uint8_t reason_of(DtlsFailure failure) noexcept {
  using schema::FailureReason;
  switch (failure) {
    case DtlsFailure::fingerprint_mismatch:
      return static_cast<std::uint8_t>(FailureReason::fingerprint_mismatch);
    case DtlsFailure::timeout:
      return static_cast<std::uint8_t>(FailureReason::handshake_timeout);
    case DtlsFailure::none:
    case DtlsFailure::protocol:
    case DtlsFailure::no_srtp_profile:
      break;
  }
  return static_cast<std::uint8_t>(FailureReason::dtls_failed);
}

Bytes bytes_of(const flatbuffers::Vector<std::uint8_t>& vector) noexcept {
  return {reinterpret_cast<const std::byte*>(vector.data()), vector.size()};
}

}  // namespace

/// What the worker still has to be told.
enum class Notice : std::uint8_t { none, done, failed };

struct HandshakerCore::Entry {
  Entry(Key entry_key, WorkerId from, TransportId id, DtlsRole entry_role, const Fingerprint& expected,
        const HandshakerConfig& config)
      : key(entry_key),
        worker(from),
        transport(id),
        role(entry_role),
        peer(expected),
        rate(config.datagrams_per_second, config.datagrams_per_second) {}

  Key key;
  WorkerId worker;
  TransportId transport;
  DtlsRole role;
  Fingerprint peer;
  StartBudget rate;
  std::optional<DtlsAssociation> association;  // from the beginning of the handshake on
  bool unclaimed = false;                      // came from another worker, and this one has not opened it yet
  bool over = false;                           // failed or closed by the peer: only another open helps
  bool in_progress = false;
  Notice notice = Notice::none;
  std::uint8_t reason = 0;  // of Notice::failed
  TimePoint retry_at = never;
  TimePoint begin_at = never;  // client that waits for the budget
  TimePoint scheduled = never;
};

HandshakerCore::HandshakerCore(const DtlsContext& context, HandshakerSink& sink, std::uint64_t incarnation,
                               const HandshakerConfig& config)
    : context_(context),
      sink_(sink),
      incarnation_(incarnation),
      config_(config),
      budget_(config.starts_per_second, config.starts_burst) {}

HandshakerCore::~HandshakerCore() = default;

HandshakerCore::Key HandshakerCore::key_of(WorkerId worker, TransportId transport) noexcept {
  return Key{worker.value} << 32U | transport.slot;
}

void HandshakerCore::add_worker(TimePoint now, WorkerId worker) {
  workers_.insert(worker);
  offer_started(now, worker);
}

void HandshakerCore::offer_started(TimePoint now, WorkerId worker) {
  if (sink_.deliver(worker, writer_.started(incarnation_))) {
    unannounced_.erase(worker);
  } else {
    ++counters_.notices_delayed;
    unannounced_[worker] = now + retry_after;
  }
}

void HandshakerCore::remove_worker(WorkerId worker) {
  workers_.erase(worker);
  unannounced_.erase(worker);
  std::vector<Key> gone;
  for (const auto& [key, entry] : entries_) {
    if (entry->worker == worker) gone.push_back(key);
  }
  for (const Key key : gone) erase(key);
}

void HandshakerCore::handle_message(TimePoint now, WorkerId worker, const schema::Handshake& message) {
  switch (message.body_type()) {
    case schema::HandshakeBody::HandshakeOpen:
      return open(now, worker, *message.body_as_HandshakeOpen());
    case schema::HandshakeBody::HandshakeDatagram:
      return datagram(now, worker, *message.body_as_HandshakeDatagram());
    case schema::HandshakeBody::HandshakeClose:
      return close(now, worker, *message.body_as_HandshakeClose());
    case schema::HandshakeBody::HandshakeMove:
      return move(now, worker, *message.body_as_HandshakeMove());
    default:
      ++counters_.malformed;
  }
}

void HandshakerCore::open(TimePoint now, WorkerId worker, const schema::HandshakeOpen& message) {
  const TransportId transport = TransportId::unpack(message.transport());
  const auto peer = Fingerprint::from_bytes(bytes_of(*message.fingerprint()));
  if (!transport.valid() || !peer || message.role() > static_cast<std::uint8_t>(DtlsRole::client)) {
    ++counters_.malformed;
    return;
  }
  const auto role = static_cast<DtlsRole>(message.role());
  const Key key = key_of(worker, transport);
  if (const auto found = entries_.find(key); found != entries_.end()) {
    Entry& entry = *found->second;
    if (transport.incarnation < entry.transport.incarnation && !entry.unclaimed) {
      ++counters_.stale;
      return;
    }
    if (transport == entry.transport && role == entry.role && peer->same_as(entry.peer) && !entry.over) {
      entry.unclaimed = false;
      // The worker may have died before it read HandshakeDone. One that did read it ignores the same keys.
      if (entry.association && entry.association->state() == DtlsState::connected) {
        entry.notice = Notice::done;
        offer_notice(now, entry);
        schedule(entry);
      }
      return;
    }
    ++counters_.restarted;
    erase(key);
  } else {
    ++counters_.opened;
  }
  Entry& entry = *(entries_[key] = std::make_unique<Entry>(key, worker, transport, role, *peer, config_));
  if (role == DtlsRole::client) begin_client(now, entry);
  schedule(entry);
}

HandshakerCore::Entry* HandshakerCore::find(WorkerId worker, TransportId transport) {
  const auto found = entries_.find(key_of(worker, transport));
  if (found == entries_.end()) {
    ++counters_.unknown;
    return nullptr;
  }
  if (found->second->transport != transport) {
    ++counters_.stale;
    return nullptr;
  }
  return found->second.get();
}

bool HandshakerCore::begin(TimePoint now, Entry& entry) {
  if (in_progress_ >= config_.in_progress_max || !budget_.take(now)) {
    ++counters_.over_budget;
    return false;
  }
  ++counters_.started;
  entry.association.emplace(context_, entry.role, entry.peer);
  set_in_progress(entry, true);
  return true;
}

void HandshakerCore::begin_client(TimePoint now, Entry& entry) {
  if (!begin(now, entry)) {
    entry.begin_at = now + begin_again_after;
    return;
  }
  entry.begin_at = never;
  entry.association->start(now);
  take_outputs(now, entry);
}

void HandshakerCore::datagram(TimePoint now, WorkerId worker, const schema::HandshakeDatagram& message) {
  Entry* const entry = find(worker, TransportId::unpack(message.transport()));
  if (entry == nullptr) return;
  if (entry->over || (entry->role == DtlsRole::client && !entry->association)) {
    ++counters_.not_open;
    return;
  }
  if (!entry->rate.take(now)) {
    ++counters_.over_rate;
    return;
  }
  const Bytes bytes = bytes_of(*message.bytes());
  if (!entry->association) {
    // Garbage must not use up the budget of others, so it is judged before the handshake counts as begun.
    RecordFilter filter;
    if (filter.check(bytes) != RecordFilter::Verdict::pass) {
      ++counters_.malformed;
      return;
    }
    if (!begin(now, *entry)) return;
  }
  if (const auto taken = entry->association->handle_datagram(now, bytes); !taken) {
    switch (taken.error()) {
      case DtlsDrop::malformed:
        ++counters_.malformed;
        break;
      case DtlsDrop::over_limit:
        ++counters_.over_limit;
        break;
      case DtlsDrop::not_open:
        ++counters_.not_open;
        break;
    }
    return;
  }
  ++counters_.datagrams;
  take_outputs(now, *entry);
  schedule(*entry);
}

void HandshakerCore::close(TimePoint now, WorkerId worker, const schema::HandshakeClose& message) {
  Entry* const entry = find(worker, TransportId::unpack(message.transport()));
  if (entry == nullptr) return;
  if (entry->association) {
    entry->association->close(now);
    take_outputs(now, *entry);
  }
  erase(entry->key);
}

void HandshakerCore::move(TimePoint now, WorkerId worker, const schema::HandshakeMove& message) {
  const WorkerId to_worker{message.to_worker()};
  const TransportId to = TransportId::unpack(message.to_transport());
  if (!to.valid() || to_worker == worker || !workers_.contains(to_worker)) {
    ++counters_.malformed;
    return;
  }
  Entry* const entry = find(worker, TransportId::unpack(message.transport()));
  if (entry == nullptr) return;
  const Key key = key_of(to_worker, to);
  bool unclaimed = true;
  if (const auto found = entries_.find(key); found != entries_.end()) {
    const Entry& there = *found->second;
    const bool waits = there.transport == to && there.role == entry->role && there.peer.same_as(entry->peer) &&
                       !there.association && !there.over;
    if (!waits) {
      ++counters_.stale;
      return erase(entry->key);
    }
    unclaimed = there.unclaimed;
    erase(key);
  }
  if (entry->scheduled != never) deadlines_.erase({entry->scheduled, entry->key});
  entry->scheduled = never;
  auto moved = entries_.extract(entry->key);
  entry->key = key;
  entry->worker = to_worker;
  entry->transport = to;
  entry->unclaimed = unclaimed;
  moved.key() = key;
  entries_.insert(std::move(moved));
  if (entry->association && entry->association->state() == DtlsState::connected) entry->notice = Notice::done;
  if (!unclaimed) offer_notice(now, *entry);
  schedule(*entry);
}

void HandshakerCore::take_outputs(TimePoint now, Entry& entry) {
  while (auto output = entry.association->poll_output()) {
    if (const auto* datagram = std::get_if<DtlsDatagram>(&*output)) {
      ++counters_.sends;
      if (!sink_.deliver(entry.worker, writer_.send(entry.transport, datagram->bytes))) ++counters_.sends_lost;
    } else if (std::holds_alternative<DtlsConnected>(*output)) {
      ++counters_.done;
      entry.notice = Notice::done;
      set_in_progress(entry, false);
    } else if (const auto* failed = std::get_if<DtlsFailed>(&*output)) {
      ++counters_.failed;
      entry.notice = Notice::failed;
      entry.reason = reason_of(failed->reason);
      entry.over = true;
    } else {
      ++counters_.closed_by_peer;
      entry.notice = Notice::failed;
      entry.reason = static_cast<std::uint8_t>(schema::FailureReason::dtls_closed);
      entry.over = true;
    }
  }
  if (entry.over) {
    set_in_progress(entry, false);
    entry.association.reset();
  }
  offer_notice(now, entry);
}

void HandshakerCore::offer_notice(TimePoint now, Entry& entry) {
  entry.retry_at = never;
  bool delivered = true;
  if (entry.notice == Notice::failed) {
    delivered = sink_.deliver(entry.worker, writer_.failed(entry.transport, entry.reason));
  } else if (entry.notice == Notice::done) {
    if (const auto keys = entry.association->export_keys()) {
      delivered = sink_.deliver(entry.worker, writer_.done(entry.transport, *keys));
      writer_.forget();
    }
  }
  if (delivered) {
    entry.notice = Notice::none;
  } else {
    ++counters_.notices_delayed;
    entry.retry_at = now + retry_after;
  }
}

void HandshakerCore::set_in_progress(Entry& entry, bool value) noexcept {
  if (entry.in_progress == value) return;
  entry.in_progress = value;
  if (value) {
    ++in_progress_;
  } else {
    --in_progress_;
  }
}

void HandshakerCore::schedule(Entry& entry) {
  const TimePoint dtls = entry.association ? entry.association->next_deadline() : never;
  const TimePoint next = std::min({dtls, entry.retry_at, entry.begin_at});
  if (next == entry.scheduled) return;
  if (entry.scheduled != never) deadlines_.erase({entry.scheduled, entry.key});
  if (next != never) deadlines_.insert({next, entry.key});
  entry.scheduled = next;
}

void HandshakerCore::erase(Key key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  set_in_progress(entry, false);
  if (entry.scheduled != never) deadlines_.erase({entry.scheduled, key});
  entries_.erase(found);
}

void HandshakerCore::handle_timeout(TimePoint now) {
  // Each entry once: what it schedules anew for the past waits for the next call, so this ends.
  std::vector<Key> due;
  for (auto at = deadlines_.begin(); at != deadlines_.end() && at->first <= now; ++at) due.push_back(at->second);
  for (const Key key : due) {
    Entry& entry = *entries_.at(key);
    if (entry.begin_at <= now) begin_client(now, entry);
    if (entry.association) {
      entry.association->handle_timeout(now);
      take_outputs(now, entry);
    } else if (entry.retry_at <= now) {
      offer_notice(now, entry);
    }
    schedule(entry);
  }
  std::vector<WorkerId> waiting;
  for (const auto& [worker, at] : unannounced_) {
    if (at <= now) waiting.push_back(worker);
  }
  for (const WorkerId worker : waiting) offer_started(now, worker);
}

TimePoint HandshakerCore::next_deadline() const noexcept {
  TimePoint next = deadlines_.empty() ? never : deadlines_.begin()->first;
  for (const auto& [worker, at] : unannounced_) next = std::min(next, at);
  return next;
}

}  // namespace sluice
