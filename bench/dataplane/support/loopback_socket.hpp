#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "dataplane/engine/socket_name.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::bench {

/// A UDP socket of this machine alone, on a port that the kernel chooses.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(int receive_buffer) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    SocketName name{};
    const socklen_t length = write_socket_name(SocketAddress::from_ipv4({127, 0, 0, 1}, 0), AF_INET, name);
    if (::bind(fd_, &name.base, length) != 0) std::abort();
    (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    socklen_t size = sizeof(name);
    (void)::getsockname(fd_, &name.base, &size);
    address_ = read_socket_name(name);
  }
  ~LoopbackSocket() { (void)::close(fd_); }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  void send(const SocketAddress& to, Bytes bytes) const {
    SocketName name{};
    const socklen_t length = write_socket_name(to, AF_INET, name);
    (void)::sendto(fd_, bytes.data(), bytes.size(), 0, &name.base, length);
  }

 private:
  int fd_;
  SocketAddress address_;
};

}  // namespace sluice::bench
