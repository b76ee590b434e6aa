#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shm/types/address.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Whether an address is one of the public internet (IANA's special-purpose registries, RFC 6890): not private, loopback,
/// link-local, shared, documentation, benchmarking, multicast or reserved, nor an IPv6 address that carries such an IPv4
/// address (mapped, compatible, NAT64 `64:ff9b::/96`, 6to4, Teredo) or leads to a local one (`64:ff9b:1::/48`).
[[nodiscard]] bool is_global_address(const SocketAddress& address) noexcept;

/// Why a URL that arrived at run time is not used.
enum class UrlError : std::uint8_t {
  too_long,       // above 2048 bytes
  bad_character,  // white space, a control or non-ASCII byte, or one that URL parsers disagree about
  not_https,      // any other scheme
  credentials,    // user:password@
  bad_host,       // empty, malformed, a single label, or a number in disguise (0x7f000001, 2130706433, 127.1)
  bad_port,
  local_address,  // a literal address that is not global, or a name below .localhost, .local, .internal, .arpa
};
[[nodiscard]] std::string_view to_string(UrlError error) noexcept;

/// A URL from outside, taken apart strictly: what two parsers might read differently is refused, so that what was checked is
/// what is connected to. The name's addresses are checked when the connection is made (HttpClient).
struct RunTimeUrl {
  std::string host;  // lower case; a literal IPv6 address without brackets
  std::uint16_t port = 443;
  bool literal = false;  // the host is an address
  std::string target;    // path and query, at least "/"

  [[nodiscard]] static Result<RunTimeUrl, UrlError> parse(std::string_view url);
};

}  // namespace sluice
