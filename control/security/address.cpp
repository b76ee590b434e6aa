#include "control/security/address.hpp"

#include <algorithm>

#include "shm/types/address.hpp"

namespace sluice {

std::string canonical_address(std::string_view ip) {
  if (const auto parsed = SocketAddress::parse(ip, 0)) return parsed->ip_to_string();
  std::string text(ip);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool is_address(std::string_view ip) {
  return SocketAddress::parse(ip, 0).has_value();
}

bool is_loopback_address(std::string_view ip) noexcept {
  return ip == "::1" || ip.starts_with("127.");
}

}  // namespace sluice
