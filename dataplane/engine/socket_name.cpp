#include "dataplane/engine/socket_name.hpp"

#include <cstring>

namespace sluice {

socklen_t write_socket_name(const SocketAddress& address, sa_family_t family, SocketName& name) noexcept {
  if (family == AF_INET) {
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = htons(address.port);
    std::memcpy(&name.v4.sin_addr, address.ip.data() + 12, 4);
    return sizeof(sockaddr_in);
  }
  name.v6 = {};
  name.v6.sin6_family = AF_INET6;
  name.v6.sin6_port = htons(address.port);
  std::memcpy(&name.v6.sin6_addr, address.ip.data(), 16);
  return sizeof(sockaddr_in6);
}

SocketAddress read_socket_name(const SocketName& name) noexcept {
  SocketAddress address;
  if (name.base.sa_family == AF_INET) {
    address.ip[10] = 0xff;
    address.ip[11] = 0xff;
    std::memcpy(address.ip.data() + 12, &name.v4.sin_addr, 4);
    address.port = ntohs(name.v4.sin_port);
  } else if (name.base.sa_family == AF_INET6) {
    std::memcpy(address.ip.data(), &name.v6.sin6_addr, 16);
    address.port = ntohs(name.v6.sin6_port);
  }
  return address;
}

sa_family_t family_of_socket(int fd) noexcept {
  int family = AF_UNSPEC;
  socklen_t length = sizeof(family);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return AF_UNSPEC;
  return static_cast<sa_family_t>(family);
}

}  // namespace sluice
