#include "control/reliability/load_level.hpp"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

/// From which value on a figure calls for elevated, high, critical, shedding.
using Thresholds = std::array<double, 4>;

constexpr double never_reached = 1e300;
constexpr Thresholds memory_thresholds{0.60, 0.75, 0.85, 0.95};
constexpr Thresholds peer_thresholds{0.80, 0.90, 0.95, 1.00};
// A join takes the loop about a millisecond; beyond half a second of delay clients begin to time out and come again.
constexpr Thresholds lag_thresholds{50, 150, 500, never_reached};
// A worker that is busy all the time forwards late.
constexpr Thresholds worker_thresholds{0.80, 0.90, 0.97, never_reached};

int step_of(double value, const Thresholds& thresholds) noexcept {
  int step = 0;
  for (const double threshold : thresholds) step += value >= threshold ? 1 : 0;
  return step;
}

}  // namespace

LoadLevel level_of(const LoadSample& sample) noexcept {
  return static_cast<LoadLevel>(
      std::max({step_of(sample.memory, memory_thresholds), step_of(sample.peers, peer_thresholds),
                step_of(sample.loop_lag_ms, lag_thresholds), step_of(sample.workers, worker_thresholds)}));
}

}  // namespace sluice
