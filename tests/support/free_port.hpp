#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::test {

/// A socket on a port of 127.0.0.1.
class BoundPort {
 public:
  /// `type`: SOCK_DGRAM or SOCK_STREAM. `port` 0: any that is free.
  explicit BoundPort(int type = SOCK_DGRAM, std::uint16_t port = 0) : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bound_ = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
    socklen_t length = sizeof(name);
    (void)::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&name), &length);
    port_ = ntohs(name.sin_port);
  }
  [[nodiscard]] bool bound() const { return bound_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  Descriptor socket_;
  bool bound_ = false;
  std::uint16_t port_ = 0;
};

/// A UDP port of 127.0.0.1 that is free now, with the one after it.
inline std::uint16_t free_ports() {
  while (true) {
    const BoundPort first;
    const BoundPort second(SOCK_DGRAM, static_cast<std::uint16_t>(first.port() + 1));
    if (first.bound() && second.bound() && first.port() < 65000) return first.port();
  }
}

/// A TCP port of 127.0.0.1 that is free now.
inline std::uint16_t free_tcp_port() {
  return BoundPort(SOCK_STREAM).port();
}

}  // namespace sluice::test
