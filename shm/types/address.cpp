#include "shm/types/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
}

bool SocketAddress::is_ipv4() const noexcept { return std::equal(mapped_prefix.begin(), mapped_prefix.end(), ip.begin()); }

std::string SocketAddress::ip_to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4()) {
    inet_ntop(AF_INET, ip.data() + 12, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, ip.data(), text.data(), text.size());
  }
  return text.data();
}

std::string SocketAddress::to_string() const {
  const std::string host = ip_to_string();
  return (is_ipv4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

SocketAddress SocketAddress::from_ipv4(std::array<std::uint8_t, 4> bytes, std::uint16_t port) noexcept {
  SocketAddress address;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.ip.begin());
  std::copy(bytes.begin(), bytes.end(), address.ip.begin() + 12);
  address.port = port;
  return address;
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view ip, std::uint16_t port) {
  const std::string text(ip);
  std::array<std::uint8_t, 4> v4{};
  if (inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return from_ipv4(v4, port);
  SocketAddress address;
  if (inet_pton(AF_INET6, text.c_str(), address.ip.data()) != 1) return std::nullopt;
  address.port = port;
  return address;
}

}  // namespace sluice

std::size_t std::hash<sluice::SocketAddress>::operator()(const sluice::SocketAddress& address) const noexcept {
  // Two multiplications over the 18 bytes; peers cannot choose their own address freely enough to attack the tables,
  // and those are bounded per transport.
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.ip.data(), 8);
  std::memcpy(&low, address.ip.data() + 8, 8);
  std::uint64_t mixed = (high ^ (std::uint64_t{address.port} << 47U)) * 0x9E3779B97F4A7C15ULL;
  mixed ^= mixed >> 29U;
  mixed = (mixed ^ low ^ address.port) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32U));
}
