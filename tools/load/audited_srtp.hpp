#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "tools/load/index_audit.hpp"
#include "tools/load/srtp_session.hpp"

namespace sluice::load {

/// The receiving side of an SrtpSession, with the index of every authentic packet audited when that is asked for: also of
/// those that libsrtp2 refuses as replayed or, because their index is far from where it was expected, as not authentic.
class AuditedSrtp {
 public:
  using OnRepeat = std::function<void(Ssrc, std::uint64_t index, bool rtcp)>;

  /// `session` outlives it.
  AuditedSrtp(SrtpSession& session, bool audit, OnRepeat on_repeat);

  /// In place, like SrtpSession. `ssrc` and `sequence` as in the header.
  [[nodiscard]] SrtpSession::Result open_rtp(MutableBytes packet, Ssrc ssrc, std::uint16_t sequence);
  [[nodiscard]] SrtpSession::Result open_rtcp(MutableBytes packet);
  [[nodiscard]] const IndexAudit& audit() const noexcept { return audit_; }

 private:
  void note_rtp(Bytes packet, Ssrc ssrc, std::uint64_t index);
  void note_rtcp(Bytes packet);
  void look_at_refused_rtp(Bytes packet, Ssrc ssrc, std::uint16_t sequence);

  SrtpSession& session_;
  IndexAudit audit_;
  OnRepeat on_repeat_;
  std::vector<std::byte> original_;  // the ciphertext of the packet in hand
  bool auditing_;
};

}  // namespace sluice::load
