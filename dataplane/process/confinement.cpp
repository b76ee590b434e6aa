#include "dataplane/process/confinement.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

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

}  // namespace sluice
