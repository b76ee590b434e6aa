#include "dataplane/transport/transport.hpp"

#include <array>
#include <span>

#include "dataplane/memory/prefetch.hpp"
#include "dataplane/packet/header_extension.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

/// With the at-once policy nothing waits, so a few places do; a real pacer will want more.
constexpr PacingLimits pacing_limits{.audio = 4, .rtx = 4, .video = 4, .padding = 1};
/// About half a second of 20 Mbit/s: 24 KiB per transport.
constexpr std::size_t history_entries = 1024;

TransportRecord& prepared(TransportRecord& record, TransportId id, Entropy& entropy) {
  if (record.id == id.packed()) return record;
  record = TransportRecord{};
  while (record.rtcp_ssrc == 0) entropy.fill(std::as_writable_bytes(std::span(&record.rtcp_ssrc, 1)));
  entropy.fill(std::as_writable_bytes(std::span(&record.name, 1)));
  record.id = id.packed();
  return record;
}

}  // namespace

Transport::Transport(TimePoint now, const TransportSpec& spec, TransportRecord& record, TransportSurroundings& surroundings)
    : spec_(spec),
      record_(prepared(record, spec.id, surroundings.entropy)),
      surroundings_(surroundings),
      ice_(record_.ice, surroundings.stun),
      sealer_(record_.sealer, surroundings.backend),
      receiver_(record_.receiver, surroundings.backend),
      ssrcs_(record_.ssrcs),
      history_(record_.send_history, history_entries),
      pacing_(surroundings.pacing, pacing_limits),
      clock_(record_.publisher_clock),
      phase_since_(now) {
  ice_.set_credentials({spec.local_ufrag, spec.local_pwd, spec.remote_ufrag});
}

void Transport::forget() noexcept {
  wipe_keys();
  record_ = TransportRecord{};
}

void Transport::update(const TransportSpec& spec) {
  spec_ = spec;
  ice_.set_credentials({spec.local_ufrag, spec.local_pwd, spec.remote_ufrag});
}

Result<IceChanges, IceError> Transport::handle_stun(TimePoint now, const Tuple& from, Bytes datagram) noexcept {
  auto handled = ice_.handle_datagram(now, from, datagram);
  if (!handled) return unexpected(handled.error());
  PacketBuffer reply = surroundings_.sink.acquire();
  if (reply && reply.assign(handled->reply.bytes())) {
    surroundings_.sink.send(from, std::move(reply));
  } else {
    surroundings_.counters.add(Counter::drop_pool_exhausted);
  }
  return handled->changes;
}

bool Transport::enter(TimePoint now, TransportPhase phase, TransportReason reason) noexcept {
  if (record_.phase == phase && record_.reason == reason) return false;
  record_.phase = phase;
  record_.reason = reason;
  phase_since_ = now;
  return true;
}

void Transport::send_plain(Bytes datagram, const std::optional<Tuple>& fallback) noexcept {
  std::optional<Tuple> to = ice_.selected();
  if (!to && fallback && ice_.is_validated(*fallback)) to = fallback;
  if (!to) return;
  PacketBuffer buffer = surroundings_.sink.acquire();
  if (!buffer || !buffer.assign(datagram)) {
    surroundings_.counters.add(Counter::drop_pool_exhausted);
    return;
  }
  surroundings_.sink.send(*to, std::move(buffer));
}

Transport::KeyChange Transport::set_keys(SrtpProfile profile, Bytes local_key_salt, Bytes remote_key_salt) {
  auto local = SrtpKeys::from_key_salt(profile, local_key_salt);
  auto remote = SrtpKeys::from_key_salt(profile, remote_key_salt);
  if (!local || !remote) return KeyChange::refused;
  const bool before = sealer_.keyed();
  const bool same = before && record_.sealer.keys.same_as(*local) && record_.receiver.keys.same_as(*remote);
  if (!same) {
    surroundings_.batch.flush();  // tickets of the old keys
    sealer_.set_keys(*local);
    receiver_.set_keys(*remote);
  }
  local->wipe();
  remote->wipe();
  if (same) return KeyChange::same;
  return before ? KeyChange::replaced : KeyChange::fresh;
}

void Transport::wipe_keys() noexcept {
  surroundings_.batch.flush();
  sealer_.wipe();
  receiver_.wipe();
}

bool Transport::can_send() const noexcept {
  return sealer_.keyed() && record_.phase == TransportPhase::connected && ice_.selected().has_value();
}

std::optional<MutableBytes> Transport::open_rtp(TimePoint now, MutableBytes packet) noexcept {
  const std::size_t size = packet.size();
  auto opened = receiver_.open_rtp(packet);
  if (!opened) {
    count(opened.error());
    return std::nullopt;
  }
  note_received(now, size);
  return *opened;
}

std::optional<MutableBytes> Transport::open_rtcp(TimePoint now, MutableBytes packet) noexcept {
  const std::size_t size = packet.size();
  auto opened = receiver_.open_rtcp(packet);
  if (!opened) {
    count(opened.error());
    return std::nullopt;
  }
  note_received(now, size);
  return *opened;
}

void Transport::note_received(TimePoint now, std::size_t bytes) noexcept {
  ++totals_.packets_in;
  totals_.bytes_in += bytes;
  last_received_ = now;
}

void Transport::count(SrtpError error) noexcept {
  switch (error) {
    case SrtpError::no_key:
      return surroundings_.counters.add(Counter::drop_srtp_no_keys);
    case SrtpError::too_short:
      return surroundings_.counters.add(Counter::drop_bad_length);
    case SrtpError::replay:
      return surroundings_.counters.add(Counter::drop_srtp_replay);
    case SrtpError::old:
      return surroundings_.counters.add(Counter::drop_srtp_old);
    case SrtpError::too_many_streams:
      return surroundings_.counters.add(Counter::drop_ssrc_limit);
    case SrtpError::malformed:
      return surroundings_.counters.add(Counter::drop_rtp_parse);
    case SrtpError::not_encrypted:
      return surroundings_.counters.add(Counter::drop_rtcp_parse);
    default:
      return surroundings_.counters.add(Counter::drop_srtp_bad_tag);
  }
}

void Transport::enqueue(TimePoint now, SendClass send_class, const OutgoingPacket& packet) noexcept {
  const DataSize size{static_cast<std::int64_t>(packet.payload.size()) + packet.prefix_size + 60};
  if (pacing_.pass(now, size)) return release(now, send_class, packet);
  if (pacing_.push(send_class, size, packet)) surroundings_.counters.add(Counter::drop_send_queue_full);
  drain(now);
}

void Transport::prefetch_own() const noexcept {
  prefetch(&spec_.extensions);
  prefetch(&sealer_);
  prefetch(&history_);
  prefetch(&pacing_);
  prefetch(&totals_);
  prefetch(record_.ice.tuples.data(), sizeof record_.ice.tuples[0]);
  prefetch(&record_.ice.selected);
  prefetch(&record_.send_history);
  prefetch(&record_.phase);
}

void Transport::drain(TimePoint now) noexcept {
  pacing_.drain(now, [&](SendClass send_class, DataSize, OutgoingPacket&& packet) { release(now, send_class, packet); });
}

void Transport::release(TimePoint now, SendClass send_class, const OutgoingPacket& packet) noexcept {
  const auto to = ice_.selected();
  if (!to || !sealer_.keyed() || record_.phase != TransportPhase::connected) return;
  SealBatch::Slot* slot = surroundings_.batch.begin(*to);
  if (slot == nullptr) return;
  auto ticket = packet.sender->claim(packet.sequence);
  if (!ticket) {
    surroundings_.counters.add(Counter::drop_seal_failed);
    return;
  }
  const HeaderExtensionIds& ids = spec_.extensions;
  const bool numbered = packet.transport_cc && ids.transport_wide_cc != 0;
  RtpHeaderWriter writer(packet.header);
  writer.add(ids.mid, as_bytes(packet.mid));
  if (numbered) writer.reserve_transport_sequence_number(ids.transport_wide_cc);
  writer.reserve_abs_send_time(ids.abs_send_time);
  const PassedExtensions& passed = packet.extensions;
  if (passed.audio_level != std::byte{PassedExtensions::none}) writer.add(ids.audio_level, Bytes(&passed.audio_level, 1));
  if (passed.video_orientation != std::byte{PassedExtensions::none}) {
    writer.add(ids.video_orientation, Bytes(&passed.video_orientation, 1));
  }
  if (passed.has_playout_delay) writer.add(ids.playout_delay, passed.playout_delay);
  const auto layout = writer.write(slot->header);
  if (!layout) return;  // cannot happen: the header's storage fits the largest mid
  const std::size_t size = layout->header_size + packet.prefix_size + packet.payload.size();
  layout->patch_abs_send_time(slot->header, now);
  if (numbered) {
    const ExtendedSequenceNumber number = history_.claim();
    layout->patch_transport_sequence_number(slot->header, number.on_wire().value);
    history_.on_sent(now, number, DataSize{static_cast<std::int64_t>(size)}, send_class);
  }
  slot->prefix = {};
  std::copy_n(packet.prefix.begin(), packet.prefix_size, slot->prefix.begin());
  surroundings_.batch.commit(std::move(*ticket), layout->header_size, packet.prefix_size, packet.payload);
  ++totals_.packets_out;
  totals_.bytes_out += size;
}

bool Transport::send_rtcp(Bytes compound) noexcept {
  const auto to = ice_.selected();
  if (compound.size() < 8 || !to || !can_send()) return false;
  auto ticket = sealer_.claim_rtcp(Ssrc{load_u32(compound, 4)});
  if (!ticket) return false;
  PacketBuffer buffer = surroundings_.sink.acquire();
  if (!buffer) {
    surroundings_.counters.add(Counter::drop_pool_exhausted);
    return false;
  }
  SealJob job = rtcp_seal_job(std::move(*ticket), compound, buffer.room());
  surroundings_.backend.seal(std::span(&job, 1));
  if (!job.result) {
    surroundings_.counters.add(Counter::drop_seal_failed);
    return false;
  }
  buffer.resize(*job.result);
  ++totals_.packets_out;
  totals_.bytes_out += *job.result;
  surroundings_.sink.send(*to, std::move(buffer));
  return true;
}

}  // namespace sluice
