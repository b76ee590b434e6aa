#include "dataplane/engine/clock.hpp"

#include <ctime>

namespace sluice {

TimePoint read_clock() noexcept {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace sluice
