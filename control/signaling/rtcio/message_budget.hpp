#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// How many messages one socket may have relayed: a rate averaged over ten seconds. What comes on top is dropped; ten
/// seconds' worth of dropped messages, without a pause in which the budget recovers, say that it will not stop.
class MessageBudget {
 public:
  enum class Verdict : std::uint8_t { relay, drop, disconnect };

  /// 0 = no limit.
  [[nodiscard]] Verdict spend(std::uint32_t per_second, TimePoint now) {
    if (per_second == 0) return Verdict::relay;
    const double burst = static_cast<double>(per_second) * 10;
    if (!started_) left_ = burst;
    const double seconds = started_ ? std::max(0.0, std::chrono::duration<double>(now - last_).count()) : 0;
    started_ = true;
    last_ = now;
    left_ = std::min(burst, left_ + seconds * static_cast<double>(per_second));
    if (left_ >= 1) {
      left_ -= 1;
      if (left_ > burst / 2) dropped_ = 0;
      return Verdict::relay;
    }
    dropped_ += 1;
    return dropped_ > burst ? Verdict::disconnect : Verdict::drop;
  }

 private:
  bool started_ = false;
  TimePoint last_{};
  double left_ = 0;
  double dropped_ = 0;
};

}  // namespace sluice
