#pragma once

#include "shm/types/time.hpp"

namespace sluice {

/// CLOCK_MONOTONIC, as the origin of all time in the media path. For loops and engines only.
[[nodiscard]] TimePoint read_clock() noexcept;

}  // namespace sluice
