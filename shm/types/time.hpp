#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

using Duration = std::chrono::nanoseconds;

/// The clock of everything in the media path: CLOCK_MONOTONIC, so it is common to all processes of a machine and survives
/// their restarts. It has no now(): pure modules are given the time; engines and loops read it (see engine/clock.hpp and
/// loop/clock.hpp).
struct MediaClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MediaClock, duration>;
  static constexpr bool is_steady = true;
};

using TimePoint = MediaClock::time_point;

/// "No deadline": what next_deadline() returns when idle.
inline constexpr TimePoint never = TimePoint::max();

}  // namespace sluice
