#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

/// For processes that hold keys: no core dumps, no reading of their memory by other processes of the same user, no new
/// rights by executing something (hardening.md section 7). Best effort: nothing here can be refused on a sound system.
void guard_process_memory() noexcept;

/// Keeps the calling thread on one core. The errno, if the kernel refuses (no such core, or the container has not got it).
[[nodiscard]] std::optional<int> pin_to_core(std::uint32_t core) noexcept;

}  // namespace sluice
