#pragma once

#include <cstddef>

namespace sluice {

/// Sizes of the regions that the supervisor creates without knowing their layout: their users format them and assert that
/// they fit. Pages cost nothing until they are touched.
struct BlankRegions {
  static constexpr std::size_t recovery_bytes = std::size_t{512} << 20U;      // dataplane/worker, one for each worker
  static constexpr std::size_t wishes_bytes = std::size_t{32} << 20U;         // shm/state_log of each worker
  static constexpr std::size_t control_state_bytes = std::size_t{64} << 20U;  // shm/state_log of control
};

}  // namespace sluice
