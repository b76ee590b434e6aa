#pragma once

#include <algorithm>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// A token bucket over given time.
class StartBudget {
 public:
  StartBudget(std::uint32_t per_second, std::uint32_t burst) noexcept
      : per_token_(Duration(std::chrono::seconds(1)) / std::max<std::uint32_t>(per_second, 1)),
        burst_(burst),
        tokens_(burst) {}

  [[nodiscard]] bool take(TimePoint now) noexcept {
    if (now > refilled_) {
      const auto earned = (now - refilled_) / per_token_;
      if (earned >= burst_) {
        tokens_ = burst_;
        refilled_ = now;
      } else {
        tokens_ = std::min(burst_, tokens_ + static_cast<std::uint32_t>(earned));
        refilled_ += earned * per_token_;
      }
    }
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  Duration per_token_;
  std::uint32_t burst_;
  std::uint32_t tokens_;
  TimePoint refilled_{};
};

}  // namespace sluice
