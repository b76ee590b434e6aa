#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// The key of a numbered row: padded, so that keys sort as numbers.
[[nodiscard]] std::string row_key(std::uint64_t number);
/// Reads it back; nothing for what row_key() does not write, and for the last number, after which none could follow.
[[nodiscard]] std::optional<std::uint64_t> parse_row_key(std::string_view key);

}  // namespace sluice
