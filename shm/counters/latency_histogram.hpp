#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Fixed log-linear buckets: exact below 8 ns, then 8 buckets per power of two, so every bucket is at most 12.5 % wide. The
/// last one takes everything from 16 s up.
struct LatencyBuckets {
  static constexpr std::size_t count = 256;
  [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t ns) noexcept {
    if (ns < 8) return static_cast<std::size_t>(ns);
    const auto exponent = static_cast<std::uint64_t>(std::bit_width(ns)) - 1;  // 3..63
    const std::uint64_t index = (exponent - 2) * 8 + (ns >> (exponent - 3) & 7U);
    return static_cast<std::size_t>(std::min<std::uint64_t>(index, count - 1));
  }
  /// The smallest number of nanoseconds that falls into bucket `index` (0..255).
  [[nodiscard]] static constexpr std::uint64_t lower_bound_ns(std::size_t index) noexcept {
    if (index < 8) return index;
    return (8 + index % 8) << (index / 8 - 1);
  }
};

/// A private copy of a histogram.
struct LatencySnapshot {
  std::array<std::uint64_t, LatencyBuckets::count> buckets{};
  std::uint64_t sum_ns = 0;
  [[nodiscard]] std::uint64_t total() const noexcept;
  /// The lower bound of the bucket that holds the `q`-quantile (0..1); zero when nothing was recorded.
  [[nodiscard]] Duration quantile(double q) const noexcept;
  /// What was recorded after `older`; never negative.
  [[nodiscard]] LatencySnapshot since(const LatencySnapshot& older) const noexcept;
};

/// Latencies as counters in shared memory: one writer, read from outside.
struct alignas(shared_line_bytes) LatencyHistogram {
  std::array<std::atomic<std::uint64_t>, LatencyBuckets::count> buckets;
  std::atomic<std::uint64_t> sum_ns;

  /// Writer only. Negative durations count as 0.
  void record(Duration latency, std::uint64_t times = 1) noexcept {
    const std::uint64_t ns = latency > Duration::zero() ? static_cast<std::uint64_t>(latency.count()) : 0;
    auto& bucket = buckets[LatencyBuckets::index_of(ns)];
    bucket.store(bucket.load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
    sum_ns.store(sum_ns.load(std::memory_order_relaxed) + ns * times, std::memory_order_relaxed);
  }
  [[nodiscard]] LatencySnapshot snapshot() const noexcept;
};
static_assert(SharedLayout<LatencyHistogram> && sizeof(LatencyHistogram) == 2176);
SLUICE_FIELD(LatencyHistogram, buckets, 0, 2048);
SLUICE_FIELD(LatencyHistogram, sum_ns, 2048, 8);

}  // namespace sluice
