#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shm/types/bytes.hpp"

/// Bytes as text (RFC 4648).
namespace sluice {

/// Base64url without padding (section 5).
[[nodiscard]] std::string base64url(Bytes bytes);
/// Base64 with padding (section 4).
[[nodiscard]] std::string base64(Bytes bytes);
/// Lower case.
[[nodiscard]] std::string hex(Bytes bytes);
/// The bytes of a base64url text without padding, as a string; nothing when a character is foreign, the length is
/// impossible, or bits are left over: each value has one spelling.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace sluice
