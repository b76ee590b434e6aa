#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "shm/types/address.hpp"

namespace sluice {

/// Room for the kernel's form of an IPv4 or IPv6 address and port.
union SocketName {
  sockaddr base;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// Fills `name` for a socket of `family` (AF_INET or AF_INET6) and returns its length. An IPv4 address on an IPv6 socket
/// keeps its mapped form.
[[nodiscard]] socklen_t write_socket_name(const SocketAddress& address, sa_family_t family, SocketName& name) noexcept;

/// The address in the kernel's form; all zero when the family is neither IPv4 nor IPv6.
[[nodiscard]] SocketAddress read_socket_name(const SocketName& name) noexcept;

/// The family that the socket was made with, or AF_UNSPEC.
[[nodiscard]] sa_family_t family_of_socket(int fd) noexcept;

}  // namespace sluice
