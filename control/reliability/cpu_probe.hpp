#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "shm/types/time.hpp"

namespace sluice {

/// How busy processes are: the share of the time since the last look that each spent on a processor.
class CpuProbe {
 public:
  /// `root` is put before /proc, for tests. `ticks_per_second` as sysconf says.
  explicit CpuProbe(std::uint64_t ticks_per_second, std::string root = "")
      : ticks_per_second_(ticks_per_second), root_(std::move(root)) {}

  /// Of the process `pid` as number `slot`; 0 at the first look, after a change of process, or when nothing can be read.
  [[nodiscard]] double share(std::uint32_t slot, std::uint32_t pid, TimePoint now);

 private:
  struct Look {
    std::uint32_t pid = 0;
    std::uint64_t ticks = 0;
    TimePoint at{};
  };
  std::uint64_t ticks_per_second_;
  std::string root_;
  std::map<std::uint32_t, Look> looks_;
};

}  // namespace sluice
