#include "dataplane/srtp/srtp_sender.hpp"

#include <atomic>

namespace sluice {
namespace {
constexpr std::uint64_t index_end = std::uint64_t{1} << 48U;
}

SrtpSender::SrtpSender(SrtpSenderState& state, SrtpSealer& sealer, Ssrc ssrc) noexcept
    : state_(&state), sealer_(&sealer), ssrc_(ssrc), window_(state.next_index) {}

Result<SealTicket, SrtpError> SrtpSender::claim(ExtendedSequenceNumber sequence) noexcept {
  if (sealer_ == nullptr || !sealer_->keyed()) return unexpected(SrtpError::no_key);
  const auto index = static_cast<std::uint64_t>(sequence.value);
  if (sequence.value < 0 || index >= index_end) return unexpected(SrtpError::index_exhausted);
  if (window_.check(index) != IndexWindow::Verdict::fresh) return unexpected(SrtpError::index_used);
  window_.mark(index);
  std::atomic_ref(state_->next_index).store(window_.next(), std::memory_order_release);
  return SealTicket(*sealer_->context_, SrtpPacketKind::rtp, ssrc_, index);
}

}  // namespace sluice
