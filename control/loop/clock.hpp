#pragma once

#include "shm/types/time.hpp"

namespace sluice::loop {

/// CLOCK_MONOTONIC, read now. One of the two places where the control plane reads a clock; pure modules are given the time.
[[nodiscard]] TimePoint now() noexcept;

/// Milliseconds of the Unix epoch, for what people and JSON see.
[[nodiscard]] std::int64_t unix_ms() noexcept;

}  // namespace sluice::loop
