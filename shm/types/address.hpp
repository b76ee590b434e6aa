#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// An IP address and UDP port. IPv4 is held in its IPv4-mapped IPv6 form (RFC 4291 section 2.5.5.2), so equal addresses
/// have equal bytes whichever socket they came through. Standard layout: it lies in shared memory too.
struct SocketAddress {
  std::array<std::uint8_t, 16> ip{};  // network byte order
  std::uint16_t port = 0;             // host byte order
  friend constexpr auto operator<=>(const SocketAddress&, const SocketAddress&) = default;

  [[nodiscard]] bool is_ipv4() const noexcept;
  /// "192.0.2.1:4000" or "[2001:db8::1]:4000".
  [[nodiscard]] std::string to_string() const;
  /// The address alone, "192.0.2.1" or "2001:db8::1".
  [[nodiscard]] std::string ip_to_string() const;
  /// From the four bytes of an IPv4 address, most significant first.
  [[nodiscard]] static SocketAddress from_ipv4(std::array<std::uint8_t, 4> bytes, std::uint16_t port) noexcept;
  /// From "192.0.2.1" or "2001:db8::1"; nothing if the text is not a numeric address.
  [[nodiscard]] static std::optional<SocketAddress> parse(std::string_view ip, std::uint16_t port);
};

/// Where a datagram came from or goes to, seen from a worker: the peer's address and which of the worker's sockets.
struct Tuple {
  SocketAddress remote;
  std::uint16_t socket = 0;  // index into the worker's sockets: 0 is the IPv4 one, 1 the IPv6 one
  friend constexpr auto operator<=>(const Tuple&, const Tuple&) = default;
};

}  // namespace sluice

template <>
struct std::hash<sluice::SocketAddress> {
  std::size_t operator()(const sluice::SocketAddress& address) const noexcept;
};
template <>
struct std::hash<sluice::Tuple> {
  std::size_t operator()(const sluice::Tuple& tuple) const noexcept {
    return std::hash<sluice::SocketAddress>{}(tuple.remote) * 31 + tuple.socket;
  }
};
