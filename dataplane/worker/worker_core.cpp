#include "dataplane/worker/worker_core.hpp"

#include <algorithm>
#include <span>

#include "dataplane/srtp/backend_choice.hpp"
#include "dataplane/worker/worker_impl.hpp"

namespace sluice {
namespace {

TableSizes sizes_of(const RecoveryView& view) {
  return {static_cast<std::uint32_t>(view.transports.size()), static_cast<std::uint32_t>(view.publications.size()),
          static_cast<std::uint32_t>(view.subscriptions.size())};
}

template <typename Record>
void clear(std::span<Record> records) {
  // A slot that was never used is a page that was never touched: leave it so.
  for (Record& record : records) {
    if (record.id != 0) record = Record{};
  }
}

std::uint64_t seed_of(Entropy& entropy) {
  std::uint64_t seed = 0;
  entropy.fill(std::as_writable_bytes(std::span(&seed, 1)));
  return seed;
}

}  // namespace

WorkerCore::Impl::Impl(const WorkerSurroundings& surroundings)
    : surroundings_(surroundings),
      own_backend_(surroundings.backend != nullptr ? nullptr : open_srtp_backend(SrtpBackendChoice::automatic)),
      backend_(surroundings.backend != nullptr ? *surroundings.backend : *own_backend_),
      batch_(backend_, surroundings.datagrams, surroundings.counters),
      for_transports_{
          backend_, stun_, surroundings.datagrams, batch_, at_once_, surroundings.counters, surroundings.entropy},
      stager_(sizes_of(surroundings.recovery)),
      router_(surroundings.recovery.publications, surroundings.recovery.subscriptions,
              static_cast<std::uint32_t>(surroundings.recovery.transports.size()), surroundings.counters,
              surroundings.entropy),
      events_(surroundings.events, surroundings.counters),
      handshakes_(surroundings.handshakes, surroundings.counters),
      live_(surroundings.live, events_, sizes_of(surroundings.recovery)),
      peers_(surroundings.recovery.transports.size()),
      tuples_(surroundings.recovery.transports.size() * IceState::tuples_max, seed_of(surroundings.entropy)),
      deadlines_(static_cast<std::uint32_t>(surroundings.recovery.transports.size())),
      relays_(surroundings.relays),
      note_(surroundings.note != nullptr ? *surroundings.note : own_note_) {
  if (surroundings.wishes != nullptr) {
    wishes_.emplace(*surroundings.wishes);
  } else {
    // Nothing tells what they were for.
    clear(surroundings.recovery.transports);
    clear(surroundings.recovery.publications);
    clear(surroundings.recovery.subscriptions);
    live_.clear();
  }
  events_.snapshot_wanted(surroundings.incarnation, 0);
}

void WorkerCore::Impl::run(TimePoint now, Peer& peer) noexcept {
  const InProgress mine(note_, peer.transport.id());
  Transport& transport = peer.transport;
  const std::uint32_t slot = transport.id().slot;
  apply(now, peer, transport.ice().handle_timeout(now));
  if (peer.association == AssociationState::opening && now >= peer.association_due) open_association(now, peer);
  router_.handle_timeout(now, transport);
  batch_.flush();
  if (now >= peer.live_due) {
    peer.live_due = now + LiveWriter::interval;
    live_.write(now, peer, router_.publications_of(slot), router_.subscriptions_of(slot));
  } else {
    live_.tell_changes(now, router_.publications_of(slot), router_.subscriptions_of(slot));
  }
  if (now >= peer.paths_due) tell_paths(now, peer);
  TimePoint next =
      std::min({transport.ice().next_deadline(), router_.next_deadline(now, transport), peer.live_due, peer.paths_due});
  if (peer.association == AssociationState::opening) next = std::min(next, peer.association_due);
  // Whatever a machine says, one that stays due must not stop the others.
  deadlines_.set(slot, std::max(next, now + std::chrono::milliseconds(1)));
}

void WorkerCore::Impl::handle_timeout(TimePoint now) noexcept {
  if (relay_due_ <= now) push_handovers(now);
  for (int round = 0; round < 2; ++round) {  // what one peer's turn wakes has its turn at once
    while (deadlines_.next() <= now) {
      const std::uint32_t slot = deadlines_.next_slot();
      if (peers_[slot]) {
        run(now, *peers_[slot]);
      } else {
        deadlines_.set(slot, never);
      }
    }
    wake_woken(now);
  }
}

void WorkerCore::Impl::wake_woken(TimePoint now) noexcept {
  router_.take_woken([&](std::uint32_t slot) {
    if (peers_[slot]) deadlines_.lower(slot, now);
  });
}

WorkerCore::WorkerCore(const WorkerSurroundings& surroundings) : impl_(std::make_unique<Impl>(surroundings)) {}
WorkerCore::~WorkerCore() = default;
WorkerCore::Adopted WorkerCore::adopt(TimePoint now) {
  return impl_->adopt(now);
}
void WorkerCore::handle_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept {
  impl_->handle_datagram(now, from, datagram);
}
void WorkerCore::handle_command(TimePoint now, const schema::Command& command) {
  impl_->handle_command(now, command);
}
void WorkerCore::handle_handshake(TimePoint now, const schema::Handshake& message) {
  impl_->handle_handshake(now, message);
}
void WorkerCore::handle_relay(TimePoint now, WorkerId from, MutableBytes message) {
  impl_->handle_relay(now, from, message);
}
void WorkerCore::handle_timeout(TimePoint now) noexcept {
  impl_->handle_timeout(now);
}
TimePoint WorkerCore::next_deadline() const noexcept {
  return impl_->next_deadline();
}
void WorkerCore::flush(TimePoint) noexcept {
  impl_->flush();
}
std::uint64_t WorkerCore::committed_generation() const noexcept {
  return impl_->stager().generation();
}
std::string WorkerCore::describe() const {
  return impl_->stager().committed().describe();
}

}  // namespace sluice
