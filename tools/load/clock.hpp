#pragma once

#include <ctime>

#include "shm/types/time.hpp"

namespace sluice::load {

/// CLOCK_MONOTONIC: senders and receivers of one machine share it, so one-way latency needs no synchronisation.
[[nodiscard]] inline TimePoint monotonic_now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec));
}

/// Nanoseconds of CLOCK_REALTIME since 1970: for people and for matching with other programs' records.
[[nodiscard]] inline std::int64_t wall_now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace sluice::load
