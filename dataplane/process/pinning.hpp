#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

/// Keeps the calling thread on one core. The errno, if the kernel refuses (no such core, or the container has not got it).
[[nodiscard]] std::optional<int> pin_to_core(std::uint32_t core) noexcept;

}  // namespace sluice
