#pragma once

#include <cstdint>

namespace sluice::next {

/// What the build with the grown schema writes into the field `note` of every table.
inline constexpr std::uint32_t note = 2026;

/// Called for the field of every table that is verified. True if it is what one of the two builds writes: `note`, or 0 where
/// the writer does not know the field. The first of each kind is told on standard error, for the test.
[[nodiscard]] bool reads_note(std::uint32_t value) noexcept;

}  // namespace sluice::next
