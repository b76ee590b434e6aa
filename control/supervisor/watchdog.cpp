#include "control/supervisor/watchdog.hpp"

#include <algorithm>

namespace sluice::supervisor {

void Watchdog::restart(TimePoint now) noexcept {
  looked_ = now;
  silent_for_ = {};
  beats_ = 0;
}

bool Watchdog::observe(TimePoint now, std::uint64_t beats) noexcept {
  const Duration passed = std::clamp(now - looked_, Duration::zero(), 2 * limits_.look);
  looked_ = now;
  if (beats != beats_) {
    beats_ = beats;
    silent_for_ = {};
    return false;
  }
  silent_for_ += passed;
  return silent_for_ >= (beats_ == 0 ? limits_.first_beat : limits_.silence);
}

}  // namespace sluice::supervisor
