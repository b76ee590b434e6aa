#include "control/supervisor/media_sockets.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

// A key frame to a few hundred subscribers and a scheduling pause of 10 ms both fit; the usual wmem_max cuts it anyway.
constexpr int socket_buffer_bytes = 4 * 1024 * 1024;
// The kernel takes io_uring apart after its process has ended, so the sockets of a server that has just been stopped stay
// bound for a moment: wait a second in all before calling the port busy.
constexpr int bind_retries = 20;
constexpr int bind_retry_ms = 50;

sockaddr_storage name_of(const SocketAddress& address, socklen_t& length) {
  sockaddr_storage storage{};
  if (address.is_ipv4()) {
    auto* name = reinterpret_cast<sockaddr_in*>(&storage);
    name->sin_family = AF_INET;
    name->sin_port = htons(address.port);
    std::memcpy(&name->sin_addr, address.ip.data() + 12, 4);
    length = sizeof(sockaddr_in);
  } else {
    auto* name = reinterpret_cast<sockaddr_in6*>(&storage);
    name->sin6_family = AF_INET6;
    name->sin6_port = htons(address.port);
    std::memcpy(&name->sin6_addr, address.ip.data(), 16);
    length = sizeof(sockaddr_in6);
  }
  return storage;
}

std::string explain(int error, const SocketAddress& address) {
  const std::string where = "UDP " + address.to_string();
  switch (error) {
    case EADDRINUSE:
      return "The media port " + where +
             " is in use: stop the other program (another sluice?) or choose another first port with --media.port=N.";
    case EACCES:
      return "No right to open the media port " + where + ": choose one above 1023 with --media.port=N.";
    case EADDRNOTAVAIL:
      return "This host does not have the address of " + where +
             ": correct --media.listen or leave it out to use all addresses.";
    case EMFILE:
      return "Too many open files for " + where + ": raise the limit (ulimit -n) or lower --workers.count.";
    default:
      return "Cannot open the media port " + where + ": " + std::strerror(error) + ".";
  }
}

/// Best effort: the forced form exceeds the system's limit where the process may.
void enlarge_buffers(int fd) {
  const int size = socket_buffer_bytes;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  }
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
}

int bind_error(int fd, const sockaddr_storage& name, socklen_t length) {
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&name), length) == 0 ? 0 : errno;
}

/// `required` false: a host without this family (no IPv6 at all) gives an invalid descriptor instead of an error.
/// No SO_REUSEADDR or SO_REUSEPORT: a second server on the port must fail here, not share the datagrams.
Descriptor open_socket(const SocketAddress& address, bool required) {
  const int family = address.is_ipv4() ? AF_INET : AF_INET6;
  Descriptor socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (!socket.valid()) {
    if (errno == EAFNOSUPPORT && !required) return {};
    throw StartError(explain(errno, address));
  }
  const int only_v6 = 1;
  if (family == AF_INET6) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
  socklen_t length = 0;
  const sockaddr_storage name = name_of(address, length);
  int error = bind_error(socket.get(), name, length);
  for (int i = 0; error == EADDRINUSE && i < bind_retries; ++i) {
    (void)::poll(nullptr, 0, bind_retry_ms);
    error = bind_error(socket.get(), name, length);
  }
  if (error == EADDRNOTAVAIL && !required) return {};
  if (error != 0) throw StartError(explain(error, address));
  enlarge_buffers(socket.get());
  return socket;
}

}  // namespace

MediaSockets open_media_sockets(const std::vector<SocketAddress>& listen, std::uint16_t port) {
  const SocketAddress any_v4 = SocketAddress::from_ipv4({0, 0, 0, 0}, port);
  const SocketAddress any_v6{{}, port};
  MediaSockets sockets;
  for (SocketAddress address : listen.empty() ? std::vector{any_v4, any_v6} : listen) {
    address.port = port;
    Descriptor& socket = address.is_ipv4() ? sockets.v4 : sockets.v6;
    if (socket.valid()) {
      throw StartError("media.listen takes at most one IPv4 and one IPv6 address; " + address.to_string() +
                       " is one too many.");
    }
    // "All IPv6 addresses" of a host that has none are no addresses, and no mistake.
    socket = open_socket(address, address != any_v6);
  }
  if (!sockets.v4.valid() && !sockets.v6.valid()) throw StartError("This host has no IPv6: add 0.0.0.0 to media.listen.");
  return sockets;
}

}  // namespace sluice::supervisor
