#pragma once

#include <optional>
#include <string_view>

#include "shm/types/bytes.hpp"

namespace sluice {

/// Our ufrag as a STUN Binding request names it: the part of USERNAME before the colon (RFC 8445 section 7.2.2). Reads the
/// header and attribute lengths only, proves nothing, walks at most 16 attributes: for finding the transport of a first
/// check from an unknown tuple. The text borrows the datagram. Nothing when it is no request or has no such USERNAME.
[[nodiscard]] std::optional<std::string_view> parse_username_ufrag(Bytes datagram) noexcept;

}  // namespace sluice
