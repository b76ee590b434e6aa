#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "dataplane/srtp/index_window.hpp"
#include "dataplane/srtp/srtp_sealer.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/result.hpp"
#include "shm/types/sequence_number.hpp"

namespace sluice {

/// One outgoing SSRC. All zero: nothing was sent. The upper 32 of the 48 bits of an index are the rollover counter.
struct SrtpSenderState {
  std::uint64_t next_index = 0;  // highest index claimed + 1; stored (release) before the ticket is given out
};
static_assert(std::is_standard_layout_v<SrtpSenderState> && std::is_trivially_copyable_v<SrtpSenderState>);
static_assert(sizeof(SrtpSenderState) == 8);

/// Indices of one outgoing SSRC: each is given out at most once.
///
/// The index is the extended sequence number itself, so the stream must start with one below 2^15 (hardening: the receiver
/// guesses ROC 0 for the first packet it gets). A sequence number behind the highest may still be claimed once within
/// 1,024 of it: a packet of the source that came late, or was recovered by RTX, keeps its place in the order. Of what a
/// predecessor sent only the highest is known, so after adoption nothing at or below it can be claimed.
///
/// Two senders for one SSRC of one association would break the guarantee: SSRCs are unique for the association's life.
class SrtpSender {
 public:
  /// `state` and `sealer` outlive the sender.
  SrtpSender(SrtpSenderState& state, SrtpSealer& sealer, Ssrc ssrc) noexcept;

  /// Moves, but does not copy: a copy would not see what the other claims. What was moved from claims nothing.
  SrtpSender(SrtpSender&& other) noexcept { *this = std::move(other); }
  SrtpSender& operator=(SrtpSender&& other) noexcept {
    state_ = other.state_;
    sealer_ = std::exchange(other.sealer_, nullptr);
    ssrc_ = other.ssrc_;
    window_ = other.window_;
    return *this;
  }
  ~SrtpSender() = default;

  [[nodiscard]] Ssrc ssrc() const noexcept { return ssrc_; }
  /// The lowest index that no packet had yet: where an adopted stream goes on.
  [[nodiscard]] ExtendedSequenceNumber next() const noexcept { return {static_cast<std::int64_t>(state_->next_index)}; }
  /// The right to seal the packet with this sequence number. Errors: no_key, index_used (claimed before, or may have
  /// been), index_exhausted (not within 0..2^48-1). A ticket that is not spent leaves its index used.
  [[nodiscard]] Result<SealTicket, SrtpError> claim(ExtendedSequenceNumber sequence) noexcept;

 private:
  SrtpSenderState* state_ = nullptr;
  SrtpSealer* sealer_ = nullptr;
  Ssrc ssrc_;
  IndexWindow window_;
};

}  // namespace sluice
