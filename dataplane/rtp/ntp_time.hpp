#pragma once

#include <compare>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// A 64-bit NTP timestamp as in sender reports: seconds in the high half, fraction in the low (RFC 3550 section 4).
struct NtpTime {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(NtpTime, NtpTime) = default;
  /// The middle 32 bits, as LSR repeats them: 1/65536 s, wraps after 18 hours.
  [[nodiscard]] constexpr std::uint32_t compact() const noexcept { return static_cast<std::uint32_t>(value >> 16U); }
};

/// Seconds that the server's NTP time is ahead of the media clock. Receivers compare our sender reports only with each
/// other, so any constant does; this one makes the values look like times and is the same in every process and after
/// restarts.
inline constexpr std::uint64_t ntp_epoch_seconds = 3'900'000'000;

/// Our NTP time at a point of the media clock.
[[nodiscard]] constexpr NtpTime to_ntp(TimePoint time) noexcept {
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  const std::uint64_t seconds = ns / 1'000'000'000U;
  const std::uint64_t fraction = (ns % 1'000'000'000U << 32U) / 1'000'000'000U;
  return {(seconds + ntp_epoch_seconds) << 32U | fraction};
}

/// The time from `b` to `a`, at most 2^31 s either way; any two values are allowed.
[[nodiscard]] constexpr Duration between(NtpTime a, NtpTime b) noexcept {
  const auto difference = static_cast<std::int64_t>(a.value - b.value);  // 32.32 seconds
  const std::int64_t seconds = difference >> 32;
  const auto fraction = static_cast<std::uint64_t>(difference) & 0xffff'ffffU;
  return Duration(seconds * 1'000'000'000 + static_cast<std::int64_t>(fraction * 1'000'000'000U >> 32U));
}

/// A duration in 1/65536 s as in DLSR, saturating.
[[nodiscard]] constexpr std::uint32_t to_compact(Duration duration) noexcept {
  if (duration <= Duration::zero()) return 0;
  const auto ns = static_cast<std::uint64_t>(duration.count());
  if (ns / 1'000'000'000U >= 65'536) return 0xffff'ffffU;
  return static_cast<std::uint32_t>((ns / 1'000'000'000U << 16U) + ((ns % 1'000'000'000U << 16U) / 1'000'000'000U));
}
[[nodiscard]] constexpr Duration from_compact(std::uint32_t compact) noexcept {
  return Duration(static_cast<std::int64_t>(std::uint64_t{compact} * 1'000'000'000U >> 16U));
}

}  // namespace sluice
