#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice {

/// The last samples of a duration in milliseconds, at most `samples_max` of them (the oldest go first).
class LatencySamples {
 public:
  struct Summary {
    double p50 = 0, p95 = 0, p99 = 0, min = 0, max = 0, avg = 0;  // all 0 without samples
  };

  explicit LatencySamples(std::size_t samples_max = 1000) : samples_max_(samples_max) {}

  void add(TimePoint at, double ms);
  [[nodiscard]] bool empty() const noexcept { return samples_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return samples_.size(); }
  [[nodiscard]] Summary summary() const;
  /// Percentile p of the n sorted samples that came at `since` or later: element floor(n·p) (contract section 26); 0
  /// without.
  [[nodiscard]] double percentile(double p, TimePoint since = TimePoint::min()) const;

 private:
  [[nodiscard]] std::vector<double> sorted(TimePoint since) const;
  std::size_t samples_max_;
  std::deque<std::pair<TimePoint, double>> samples_;  // oldest first
};

}  // namespace sluice
