#include "tools/load/audited_srtp.hpp"

#include <array>

#include "shm/types/byte_order.hpp"

namespace sluice::load {

AuditedSrtp::AuditedSrtp(SrtpSession& session, bool audit, OnRepeat on_repeat)
    : session_(session), on_repeat_(std::move(on_repeat)), auditing_(audit) {}

void AuditedSrtp::note_rtp(Bytes packet, Ssrc ssrc, std::uint64_t index) {
  const IndexVerdict verdict = audit_.note_rtp(ssrc, index, tag_fingerprint(packet, packet.size()));
  if (verdict == IndexVerdict::repeat) on_repeat_(ssrc, index, false);
}

void AuditedSrtp::note_rtcp(Bytes packet) {
  const std::optional<std::uint32_t> index = session_.rtcp_index(packet);
  if (!index) return;
  const Ssrc ssrc{load_u32(packet, 4)};
  const std::uint64_t fingerprint = tag_fingerprint(packet, session_.rtcp_tag_end(packet.size()));
  if (audit_.note_rtcp(ssrc, *index, fingerprint) == IndexVerdict::repeat) on_repeat_(ssrc, *index, true);
}

SrtpSession::Result AuditedSrtp::open_rtp(MutableBytes packet, Ssrc ssrc, std::uint16_t sequence) {
  if (!auditing_) return session_.open_rtp(packet);
  original_.assign(packet.begin(), packet.end());
  const SrtpSession::Result result = session_.open_rtp(packet);
  if (result.opened == SrtpSession::Opened::fine) {
    note_rtp(original_, ssrc, audit_.guess_rtp_index(ssrc, sequence));
  } else {
    look_at_refused_rtp(original_, ssrc, sequence);
  }
  return result;
}

void AuditedSrtp::look_at_refused_rtp(Bytes packet, Ssrc ssrc, std::uint16_t sequence) {
  // libsrtp2 refuses before it decrypts, so whether the packet is authentic, and under which index, is found out here: with
  // the rollover counter that is likely, those beside it, and the first.
  const auto likely = static_cast<std::uint32_t>(audit_.guess_rtp_index(ssrc, sequence) >> 16U);
  const std::array<std::uint32_t, 4> rollovers{likely, likely == 0 ? 0 : likely - 1, likely + 1, 0};
  for (const std::uint32_t rollover : rollovers) {
    if (!session_.is_authentic_rtp(packet, ssrc, rollover)) continue;
    return note_rtp(packet, ssrc, std::uint64_t{rollover} << 16U | sequence);
  }
}

SrtpSession::Result AuditedSrtp::open_rtcp(MutableBytes packet) {
  if (!auditing_) return session_.open_rtcp(packet);
  original_.assign(packet.begin(), packet.end());
  const SrtpSession::Result result = session_.open_rtcp(packet);
  if (result.opened == SrtpSession::Opened::fine || session_.is_authentic_rtcp(original_)) note_rtcp(original_);
  return result;
}

}  // namespace sluice::load
