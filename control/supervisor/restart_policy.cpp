#include "control/supervisor/restart_policy.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::supervisor {

using namespace std::chrono_literals;

TimePoint RestartPolicy::died(TimePoint now, Death death) noexcept {
  constexpr Duration proven_life = 1s;
  constexpr Duration first_delay = 100ms;
  constexpr Duration longest_delay = 5s;
  const bool quick = now - started_ < proven_life;
  if (death.own_act && quick) {
    std::copy_backward(own_acts_.begin(), own_acts_.end() - 1, own_acts_.end());
    own_acts_.front() = now;
  }
  if (death.worked && !quick) {
    deaths_ = 0;
    return now;
  }
  ++deaths_;
  if (deaths_ == 1) return now;
  const unsigned doublings = std::min(deaths_ - 2, 16U);
  return now + std::min<Duration>(longest_delay, first_delay * (1 << doublings));
}

bool RestartPolicy::take_last_resort(TimePoint now) noexcept {
  constexpr Duration memory = 10s;
  if (!own_acts_.back() || now - *own_acts_.back() > memory) return false;
  own_acts_ = {};
  return true;
}

}  // namespace sluice::supervisor
