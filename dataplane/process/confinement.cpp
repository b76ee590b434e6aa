#include "dataplane/process/confinement.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

namespace sluice {

void guard_process_memory() noexcept {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef SLUICE_SANITIZED
  // The leak checker looks at its own process from outside.
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

std::optional<int> pin_to_core(std::uint32_t core) noexcept {
  if (core >= CPU_SETSIZE) return EINVAL;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (::sched_setaffinity(0, sizeof(cores), &cores) != 0) return errno;
  return std::nullopt;
}

}  // namespace sluice
