// What the worker does with a datagram: class, tuple, authentication, then the router.
#include <algorithm>

#include "dataplane/ice/username.hpp"
#include "dataplane/packet/dtls_records.hpp"
#include "dataplane/packet/packet_class.hpp"
#include "dataplane/worker/worker_impl.hpp"

namespace sluice {
namespace {

/// DTLS datagrams of one transport in a second: a handshake with losses needs some twenty.
constexpr std::uint32_t dtls_per_second_max = 64;

}  // namespace

void WorkerCore::Impl::handle_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept {
  switch (classify(datagram)) {
    case PacketClass::stun:
      on_stun(now, from, datagram);
      break;
    case PacketClass::dtls:
      on_dtls(now, from, datagram);
      break;
    case PacketClass::rtp:
      on_srtp(now, from, datagram);
      break;
    case PacketClass::rtcp:
      on_srtcp(now, from, datagram);
      break;
    case PacketClass::unknown: {
      const bool length = datagram.size() < 8 || datagram.size() > datagram_size_max;
      surroundings_.counters.add(length ? Counter::drop_bad_length : Counter::drop_unknown_class);
      break;
    }
  }
}

Peer* WorkerCore::Impl::peer_at(const Tuple& tuple) noexcept {
  const std::uint32_t* slot = tuples_.find(tuple);
  return slot == nullptr ? nullptr : peers_[*slot].get();
}

Peer* WorkerCore::Impl::peer_of(TransportId id) noexcept {
  if (!id.valid() || id.slot >= peers_.size()) return nullptr;
  Peer* peer = peers_[id.slot].get();
  return peer != nullptr && peer->transport.id() == id ? peer : nullptr;
}

void WorkerCore::Impl::on_stun(TimePoint now, const Tuple& from, Bytes datagram) noexcept {
  // By name and not by tuple: a NAT may give one tuple to another peer.
  const auto ufrag = parse_username_ufrag(datagram);
  if (!ufrag) return surroundings_.counters.add(Counter::drop_stun_parse);
  const auto found = ufrags_.find(*ufrag);
  if (found == ufrags_.end() || !peers_[found->second]) {
    if (relay_named(*ufrag, from, datagram)) return;
    return surroundings_.counters.add(Counter::drop_stun_bad_integrity);
  }
  Peer& peer = *peers_[found->second];
  const InProgress mine(note_, peer.transport.id());
  const auto changes = peer.transport.handle_stun(now, from, datagram);
  if (!changes) return count(changes.error());
  apply(now, peer, *changes);
  deadlines_.lower(peer.transport.id().slot, peer.transport.ice().next_deadline());
  wake_woken(now);
}

void WorkerCore::Impl::count(IceError error) noexcept {
  switch (error) {
    case IceError::not_stun:
    case IceError::bad_fingerprint:
    case IceError::not_a_request:
      return surroundings_.counters.add(Counter::drop_stun_parse);
    case IceError::over_budget:
      return surroundings_.counters.add(Counter::drop_stun_rate);
    default:
      return surroundings_.counters.add(Counter::drop_stun_bad_integrity);
  }
}

void WorkerCore::Impl::apply(TimePoint now, Peer& peer, const IceChanges& changes) noexcept {
  const std::uint32_t slot = peer.transport.id().slot;
  for (std::size_t i = 0; i < changes.removed_count; ++i) {
    const std::uint32_t* owner = tuples_.find(changes.removed[i]);
    if (owner != nullptr && *owner == slot) tuples_.erase(changes.removed[i]);
  }
  if (changes.added) tuples_.insert_or_assign(*changes.added, slot);
  if (changes.added || changes.removed_count > 0) {
    peer.paths_due = now;
    deadlines_.lower(slot, now);
  }
  if (changes.connection_changed) {
    if (peer.transport.ice().connection() == IceConnection::disconnected) {
      if (peer.transport.phase() != TransportPhase::closed) {
        enter(now, peer, TransportPhase::disconnected, TransportReason::consent_expired);
      }
    } else if (peer.transport.ice().connection() == IceConnection::connected &&
               peer.transport.phase() != TransportPhase::closed) {
      if (peer.transport.keyed()) {
        enter(now, peer, TransportPhase::connected);
        router_.on_receiver_ready(now, peer.transport);
      } else if (peer.association == AssociationState::open) {
        enter(now, peer, TransportPhase::dtls_connecting);
      } else {
        enter(now, peer, TransportPhase::ice_connected);
      }
    }
  }
  if ((changes.added || changes.connection_changed) && peer.association == AssociationState::none)
    open_association(now, peer);
  if (changes.selected_changed) peer.live_due = now;
}

void WorkerCore::Impl::on_dtls(TimePoint now, const Tuple& from, Bytes datagram) noexcept {
  Peer* peer = peer_at(from);
  if (peer == nullptr && relay(from, datagram)) return;
  if (peer == nullptr) return surroundings_.counters.add(Counter::drop_dtls_not_validated);
  const InProgress mine(note_, peer->transport.id());
  // Whoever forges the peer's address could use up its budget with this, were it counted.
  if (!holds_dtls_records(datagram)) return surroundings_.counters.add(Counter::drop_dtls_malformed);
  if (now - peer->dtls_second >= std::chrono::seconds(1)) {
    peer->dtls_second = now;
    peer->dtls_count = 0;
  }
  if (++peer->dtls_count > dtls_per_second_max || peer->transport.phase() == TransportPhase::closed) {
    return surroundings_.counters.add(Counter::drop_dtls_over_budget);
  }
  peer->dtls_from = from;
  if (peer->association == AssociationState::none) open_association(now, *peer);
  if (peer->association != AssociationState::open) return surroundings_.counters.add(Counter::drop_dtls_over_budget);
  handshakes_.datagram(peer->transport.id(), datagram);
}

void WorkerCore::Impl::on_srtp(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept {
  Peer* peer = peer_at(from);
  if (peer == nullptr && relay(from, datagram)) return;
  if (peer == nullptr) return surroundings_.counters.add(Counter::drop_unknown_tuple);
  const InProgress mine(note_, peer->transport.id());
  const auto packet = peer->transport.open_rtp(now, datagram);
  if (!packet) return;
  if (surroundings_.probe != nullptr) surroundings_.probe->on_plaintext(*packet);
  router_.handle_rtp(now, peer->transport, *packet);
  batch_.flush();
  deadlines_.lower(peer->transport.id().slot, std::max(now, router_.next_publishing_deadline(peer->transport)));
  wake_woken(now);
}

void WorkerCore::Impl::on_srtcp(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept {
  Peer* peer = peer_at(from);
  if (peer == nullptr && relay(from, datagram)) return;
  if (peer == nullptr) return surroundings_.counters.add(Counter::drop_unknown_tuple);
  const InProgress mine(note_, peer->transport.id());
  const auto compound = peer->transport.open_rtcp(now, datagram);
  if (!compound) return;
  router_.handle_rtcp(now, peer->transport, *compound);
  batch_.flush();
  wake_woken(now);
}

}  // namespace sluice
