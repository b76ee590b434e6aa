#include "dataplane/srtp/srtp_sealer.hpp"

#include <atomic>

namespace sluice {
namespace {
constexpr std::uint32_t srtcp_index_max = 0x7fff'ffffU;
}

SrtpSealer::SrtpSealer(SrtpSealerState& state, SrtpBackend& backend) : state_(state), backend_(backend) {
  if (!state_.keys.usable()) return;
  context_ = backend_.make_sealing_context(derive_session_keys(state_.keys));
  const std::uint32_t next = state_.next_srtcp_index;
  // The sum cannot wrap: what does not fit counts as exhausted.
  const std::uint32_t adopted =
      next > srtcp_index_max - srtcp_adoption_skip ? srtcp_index_max + 1 : next + srtcp_adoption_skip;
  std::atomic_ref(state_.next_srtcp_index).store(adopted, std::memory_order_release);
}

bool SrtpSealer::set_keys(const SrtpKeys& keys) {
  if (!keys.usable()) return false;
  if (keyed() && state_.keys.same_as(keys)) return true;
  auto context = backend_.make_sealing_context(derive_session_keys(keys));
  if (context == nullptr) return false;
  // In this order, a process that dies in between leaves no keys, and never new keys' indices with old keys.
  state_.keys.wipe();
  std::atomic_ref(state_.next_srtcp_index).store(0, std::memory_order_release);
  state_.keys.store(keys);
  context_ = std::move(context);
  return true;
}

Result<SealTicket, SrtpError> SrtpSealer::claim_rtcp(Ssrc sender) noexcept {
  if (!keyed()) return unexpected(SrtpError::no_key);
  const std::uint32_t index = state_.next_srtcp_index;
  if (index > srtcp_index_max) return unexpected(SrtpError::index_exhausted);
  std::atomic_ref(state_.next_srtcp_index).store(index + 1, std::memory_order_release);
  return SealTicket(*context_, SrtpPacketKind::rtcp, sender, index);
}

void SrtpSealer::wipe() noexcept {
  context_.reset();
  state_.keys.wipe();
}

}  // namespace sluice
