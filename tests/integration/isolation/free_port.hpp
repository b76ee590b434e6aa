#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::test {

/// A UDP port of 127.0.0.1 that is free now, with the one after it.
inline std::uint16_t free_ports() {
  const auto bind_to = [](const Descriptor& socket, std::uint16_t port) -> std::uint16_t {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) return 0;
    socklen_t length = sizeof(name);
    (void)::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &length);
    return ntohs(name.sin_port);
  };
  while (true) {
    const Descriptor first(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Descriptor second(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::uint16_t port = bind_to(first, 0);
    if (port != 0 && port < 65000 && bind_to(second, static_cast<std::uint16_t>(port + 1)) != 0) return port;
  }
}

/// A TCP port of 127.0.0.1 that is free now.
inline std::uint16_t free_tcp_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) return 0;
  socklen_t length = sizeof(name);
  (void)::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &length);
  return ntohs(name.sin_port);
}

}  // namespace sluice::test
