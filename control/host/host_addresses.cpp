#include "control/host/host_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace sluice {

std::vector<SocketAddress> host_addresses() {
  std::vector<SocketAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) list = nullptr;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0 || (entry->ifa_flags & IFF_LOOPBACK) != 0) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, entry->ifa_addr, sizeof v4);
      std::array<std::uint8_t, 4> bytes{};
      std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
      if (bytes[0] != 169 || bytes[1] != 254) addresses.push_back(SocketAddress::from_ipv4(bytes, 0));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, entry->ifa_addr, sizeof v6);
      if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) continue;
      SocketAddress address;
      std::memcpy(address.ip.data(), &v6.sin6_addr, address.ip.size());
      addresses.push_back(address);
    }
  }
  std::stable_partition(addresses.begin(), addresses.end(), [](const SocketAddress& address) { return address.is_ipv4(); });
  if (addresses.empty()) addresses.push_back(SocketAddress::from_ipv4({127, 0, 0, 1}, 0));
  return addresses;
}

}  // namespace sluice
