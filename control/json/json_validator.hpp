#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

/// Whether `text` is one JSON text (RFC 8259): strict UTF-8 without byte order mark, numbers within double, nothing nested
/// deeper than `depth_max` (and 1024) arrays and objects. Escapes of lone surrogates are fine, as in JavaScript. One pass,
/// no recursion, no allocation but for odd numbers: every message of every client passes here.
[[nodiscard]] bool is_valid_json(std::string_view text, std::size_t depth_max);

}  // namespace sluice
