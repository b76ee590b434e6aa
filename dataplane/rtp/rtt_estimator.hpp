#pragma once

#include <algorithm>

#include "shm/types/time.hpp"

namespace sluice {

/// Smooths the round-trip times of one transport (RFC 6298 section 2: 7/8 old, 1/8 new). Losable.
class RttEstimator {
 public:
  void on_sample(Duration rtt) noexcept {
    const Duration sample = std::clamp<Duration>(rtt, std::chrono::microseconds(100), std::chrono::seconds(10));
    smoothed_ = known_ ? (smoothed_ * 7 + sample) / 8 : sample;
    known_ = true;
  }
  [[nodiscard]] bool known() const noexcept { return known_; }
  /// `fallback` until the first sample.
  [[nodiscard]] Duration rtt(Duration fallback) const noexcept { return known_ ? smoothed_ : fallback; }

 private:
  Duration smoothed_{};
  bool known_ = false;
};

}  // namespace sluice
