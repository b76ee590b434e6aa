#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sluice {

/// Whether policy lets a stream through, and how new that decision is. `epoch` rises with every decision about the member
/// for as long as its membership lasts; 0: whoever sent it knows no epochs.
struct PolicyMark {
  std::uint32_t epoch = 0;
  bool open = false;
  friend constexpr bool operator==(const PolicyMark&, const PolicyMark&) = default;
};

/// What holds after `wanted` reached a worker that has `held` of the same stream. A decision that is older than the one held
/// can close but not open: whoever lost its memory gives back nothing that was taken.
[[nodiscard]] constexpr PolicyMark after(PolicyMark held, PolicyMark wanted) noexcept {
  if (wanted.epoch == 0 || wanted.epoch >= held.epoch) return wanted;
  return {held.epoch, held.open && wanted.open};
}

/// The core counts in 64 bits from 0; marks in 32 from 1. A member of so many decisions does not exist.
[[nodiscard]] constexpr std::uint32_t mark_epoch(std::uint64_t decisions) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(decisions, std::numeric_limits<std::uint32_t>::max() - 1U) + 1U);
}

}  // namespace sluice
