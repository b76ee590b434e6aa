#pragma once

#include "dataplane/process/pinning.hpp"

namespace sluice {

/// For processes that hold keys: no core dumps, no reading of their memory by other processes of the same user, no new
/// rights by executing something (hardening.md section 7). Best effort: nothing here can be refused on a sound system.
void guard_process_memory() noexcept;

}  // namespace sluice
