#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// One spelling for one address: an IPv4-mapped IPv6 address is the IPv4 address (contract section 22), letters are small.
[[nodiscard]] std::string canonical_address(std::string_view ip);

/// Whether it is a numeric address at all.
[[nodiscard]] bool is_address(std::string_view ip);

/// 127.0.0.0/8 and ::1, in canonical spelling.
[[nodiscard]] bool is_loopback_address(std::string_view ip) noexcept;

}  // namespace sluice
