#include "control/supervisor/restart_policy.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::supervisor {

using namespace std::chrono_literals;

TimePoint RestartPolicy::died(TimePoint now) noexcept {
  constexpr Duration proven_life = 10s;
  constexpr Duration first_delay = 100ms;
  constexpr Duration longest_delay = 5s;
  deaths_ = now - started_ >= proven_life ? 1 : deaths_ + 1;
  if (deaths_ == 1) return now;
  const unsigned doublings = std::min(deaths_ - 2, 16U);
  return now + std::min<Duration>(longest_delay, first_delay * (1 << doublings));
}

}  // namespace sluice::supervisor
