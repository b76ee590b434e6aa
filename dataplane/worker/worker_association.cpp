// What the worker does with the handshaker: opens associations, carries their datagrams, takes their keys.
#include "dataplane/packet/packet_class.hpp"
#include "dataplane/worker/worker_impl.hpp"

namespace sluice {
namespace {

constexpr Duration open_again_after = std::chrono::milliseconds(50);  // the ring was full
constexpr Duration attempt_again_after = std::chrono::seconds(1);     // the handshake failed

Bytes bytes_of(const flatbuffers::Vector<std::uint8_t>* vector) {
  return std::as_bytes(std::span(vector->data(), vector->size()));
}

}  // namespace

void WorkerCore::Impl::handle_handshake(TimePoint now, const schema::Handshake& message) {
  if (message.body_type() == schema::HandshakeBody::HandshakerStarted) return on_handshaker_started(now);
  if (const auto* send = message.body_as_HandshakeSend()) {
    Peer* peer = peer_of(TransportId::unpack(send->transport()));
    const InProgress mine(note_, TransportId::unpack(send->transport()));
    if (peer != nullptr && send->bytes()->size() <= datagram_size_max) {
      peer->transport.send_plain(bytes_of(send->bytes()), peer->dtls_from);
    }
  } else if (const auto* done = message.body_as_HandshakeDone()) {
    const InProgress mine(note_, TransportId::unpack(done->transport()));
    if (Peer* peer = peer_of(TransportId::unpack(done->transport()))) on_handshake_done(now, *peer, *done);
  } else if (const auto* failed = message.body_as_HandshakeFailed()) {
    if (Peer* peer = peer_of(TransportId::unpack(failed->transport()))) {
      const bool known = failed->reason() <= static_cast<std::uint8_t>(TransportReason::handshake_timeout);
      on_handshake_failed(now, *peer, known ? static_cast<TransportReason>(failed->reason()) : TransportReason::dtls_failed);
    }
  }
  wake_woken(now);
}

void WorkerCore::Impl::open_association(TimePoint now, Peer& peer) noexcept {
  if (peer.transport.phase() == TransportPhase::closed || now < peer.attempt_not_before) return;
  const TransportSpec& spec = peer.transport.spec();
  if (!handshakes_.open(spec.id, spec.dtls_role, std::as_bytes(std::span(spec.fingerprint)))) {
    peer.association = AssociationState::opening;
    peer.association_due = now + open_again_after;
    deadlines_.lower(spec.id.slot, peer.association_due);
    return;
  }
  surroundings_.counters.add(Counter::handshakes_started);
  peer.association = AssociationState::open;
  if (!peer.transport.keyed()) enter(now, peer, TransportPhase::dtls_connecting);
}

void WorkerCore::Impl::on_handshake_done(TimePoint now, Peer& peer, const schema::HandshakeDone& done) {
  if (peer.transport.phase() == TransportPhase::closed) return;
  const auto change = peer.transport.set_keys(static_cast<SrtpProfile>(done.profile()), bytes_of(done.local_key_salt()),
                                              bytes_of(done.remote_key_salt()));
  if (change == Transport::KeyChange::refused) return on_handshake_failed(now, peer, TransportReason::dtls_failed);
  if (change == Transport::KeyChange::same) return;
  surroundings_.counters.add(Counter::handshakes_done);
  peer.association = AssociationState::open;
  if (peer.transport.ice().selected()) enter(now, peer, TransportPhase::connected);
  if (change == Transport::KeyChange::replaced) {
    router_.on_keys_replaced(now, peer.transport);
    if (wishes_) wishes_->forget_spent(peer.transport.id().slot);
  }
  router_.on_receiver_ready(now, peer.transport);
  deadlines_.lower(peer.transport.id().slot, now);
}

void WorkerCore::Impl::on_handshake_failed(TimePoint now, Peer& peer, TransportReason reason) {
  if (reason == TransportReason::dtls_closed) {
    if (peer.transport.phase() == TransportPhase::closed) return;
    peer.transport.wipe_keys();
    peer.association = AssociationState::none;
    return enter(now, peer, TransportPhase::closed, reason);
  }
  surroundings_.counters.add(Counter::handshakes_failed);
  // Resets the attempt, not the transport (hardening.md section 2): keys that media flows under stay.
  peer.association = AssociationState::none;
  peer.attempt_not_before = now + attempt_again_after;
  if (!peer.transport.keyed()) enter(now, peer, TransportPhase::failed, reason);
}

void WorkerCore::Impl::on_handshaker_started(TimePoint now) {
  for (auto& peer : peers_) {
    if (!peer || peer->association == AssociationState::none || peer->transport.keyed()) continue;
    peer->association = AssociationState::none;
    open_association(now, *peer);
  }
}

void WorkerCore::Impl::enter(TimePoint now, Peer& peer, TransportPhase phase, TransportReason reason) noexcept {
  if (!peer.transport.enter(now, phase, reason)) return;
  events_.transport_changed(peer.transport.id(), phase, reason);
  peer.live_due = now;
  deadlines_.lower(peer.transport.id().slot, now);
}

}  // namespace sluice
