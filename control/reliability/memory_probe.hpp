#pragma once

#include <cstdint>
#include <string>

namespace sluice {

/// Memory in use and how much there may be, of this process and of the container that it is in.
struct MemoryReading {
  std::uint64_t used = 0;
  std::uint64_t limit = 0;  // 0: unknown
  [[nodiscard]] double ratio() const noexcept {
    return limit == 0 ? 0 : static_cast<double>(used) / static_cast<double>(limit);
  }
};

/// Reads /proc and /sys: with `configured_limit` (bytes) the process's resident memory against it; else the container's use
/// without its page cache against memory.max (cgroup v2); else the process against the machine's memory. `root` is put
/// before the paths, for tests.
[[nodiscard]] MemoryReading read_memory(std::uint64_t configured_limit, const std::string& root = "");

}  // namespace sluice
