#pragma once

#include <compare>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// A number of bytes.
struct DataSize {
  std::int64_t bytes = 0;
  friend constexpr auto operator<=>(DataSize, DataSize) = default;
  friend constexpr DataSize operator+(DataSize a, DataSize b) noexcept { return {a.bytes + b.bytes}; }
  friend constexpr DataSize operator-(DataSize a, DataSize b) noexcept { return {a.bytes - b.bytes}; }
  constexpr DataSize& operator+=(DataSize other) noexcept { return bytes += other.bytes, *this; }
};

/// Bits per second.
struct Bitrate {
  std::int64_t bits_per_second = 0;
  friend constexpr auto operator<=>(Bitrate, Bitrate) = default;
  friend constexpr Bitrate operator+(Bitrate a, Bitrate b) noexcept { return {a.bits_per_second + b.bits_per_second}; }
  friend constexpr Bitrate operator-(Bitrate a, Bitrate b) noexcept { return {a.bits_per_second - b.bits_per_second}; }
};

/// The mean rate of `size` over `time`; zero when no time has passed.
[[nodiscard]] constexpr Bitrate rate_of(DataSize size, Duration time) noexcept {
  if (time <= Duration::zero()) return {};
  return {static_cast<std::int64_t>(static_cast<double>(size.bytes) * 8e9 / static_cast<double>(time.count()))};
}

}  // namespace sluice
