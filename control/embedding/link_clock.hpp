#pragma once

#include <chrono>

#include "shm/types/time.hpp"

namespace sluice::embedding {

/// Now, on the clock of RpcClient's deadlines.
[[nodiscard]] inline TimePoint link_now() noexcept {
  return TimePoint(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace sluice::embedding
