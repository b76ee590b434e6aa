#include "dataplane/process/pinning.hpp"

#include <sched.h>

#include <cerrno>

namespace sluice {

std::optional<int> pin_to_core(std::uint32_t core) noexcept {
  if (core >= CPU_SETSIZE) return EINVAL;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (::sched_setaffinity(0, sizeof(cores), &cores) != 0) return errno;
  return std::nullopt;
}

}  // namespace sluice
