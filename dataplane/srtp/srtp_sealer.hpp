#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "dataplane/srtp/srtp_backend.hpp"
#include "dataplane/srtp/srtp_keys.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Our direction of one association: keys and the SRTCP index. All zero: no keys.
struct SrtpSealerState {
  SrtpKeys keys;
  std::uint32_t next_srtcp_index = 0;  // stored (release) before a ticket for the index before it is given out
  std::uint32_t reserved = 0;
};
static_assert(std::is_standard_layout_v<SrtpSealerState> && std::is_trivially_copyable_v<SrtpSealerState>);
static_assert(sizeof(SrtpSealerState) == 56);

/// How far an adopted SRTCP index skips ahead. The stored index is exact, so 1 would do; the gap costs nothing (31 bits last
/// decades) and covers a predecessor whose last store never left its core.
inline constexpr std::uint32_t srtcp_adoption_skip = 1U << 10U;

/// Seals for one association: owns the backend's context for the local keys, hands out SRTCP indices, and is what the
/// SrtpSender of each outgoing SSRC draws on. One SRTCP counter serves all SSRCs, so no (key, SSRC, index) can repeat.
/// Built on a state with keys it goes on where the predecessor was ("adoption").
class SrtpSealer {
 public:
  /// `state` and `backend` outlive the sealer.
  SrtpSealer(SrtpSealerState& state, SrtpBackend& backend);
  SrtpSealer(const SrtpSealer&) = delete;
  SrtpSealer& operator=(const SrtpSealer&) = delete;
  ~SrtpSealer() = default;

  /// Stores new keys and starts the SRTCP index at 0. The keys that are already there change nothing: the same keys told
  /// twice must not start indices again. False, with nothing changed, if the keys are not usable.
  /// Tickets of the old keys must have been spent.
  bool set_keys(const SrtpKeys& keys);
  [[nodiscard]] bool keyed() const noexcept { return context_ != nullptr; }
  [[nodiscard]] SrtpProfile profile() const noexcept { return keyed() ? state_.keys.profile() : SrtpProfile::none; }

  /// The right to seal one RTCP compound packet whose first packet carries `sender`. Errors: no_key, index_exhausted.
  [[nodiscard]] Result<SealTicket, SrtpError> claim_rtcp(Ssrc sender) noexcept;
  /// Forgets the keys, in the state as well. For the end of an association.
  void wipe() noexcept;

 private:
  friend class SrtpSender;
  SrtpSealerState& state_;
  SrtpBackend& backend_;
  std::unique_ptr<SealingContext> context_;
};

}  // namespace sluice
