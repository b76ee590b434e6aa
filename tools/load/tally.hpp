#pragma once

#include <algorithm>
#include <cstdint>

#include "shm/counters/latency_histogram.hpp"
#include "shm/types/time.hpp"

namespace sluice::load {

/// A histogram of durations of fixed size (buckets of at most 12.5 % width) with exact largest value and sum.
class Tally {
 public:
  /// Negative durations count as 0.
  void record(Duration value) noexcept {
    const std::uint64_t ns = value > Duration::zero() ? static_cast<std::uint64_t>(value.count()) : 0;
    ++histogram_.buckets[LatencyBuckets::index_of(ns)];
    histogram_.sum_ns += ns;
    ++count_;
    largest_ = std::max(largest_, value);
  }
  void add(const Tally& other) noexcept {
    for (std::size_t i = 0; i < LatencyBuckets::count; ++i) histogram_.buckets[i] += other.histogram_.buckets[i];
    histogram_.sum_ns += other.histogram_.sum_ns;
    count_ += other.count_;
    largest_ = std::max(largest_, other.largest_);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] Duration largest() const noexcept { return largest_; }
  /// Zero when nothing was recorded.
  [[nodiscard]] Duration mean() const noexcept {
    return count_ == 0 ? Duration::zero() : Duration(static_cast<std::int64_t>(histogram_.sum_ns / count_));
  }
  /// The lower bound of the bucket that holds the `q`-quantile (0..1).
  [[nodiscard]] Duration quantile(double q) const noexcept { return histogram_.quantile(q); }

 private:
  LatencySnapshot histogram_;
  std::uint64_t count_ = 0;
  Duration largest_{};
};

}  // namespace sluice::load
