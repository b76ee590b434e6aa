#include "control/cli/port_check.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "control/config/sources.hpp"
#include "shm/descriptors/descriptor.hpp"
#include "shm/types/address.hpp"

namespace sluice::cli {

namespace {

/// 0, or the errno of listening on `address`.
int listen_error(const SocketAddress& address) {
  const Descriptor socket(::socket(address.is_ipv4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return 0;  // a host without this family: nothing to say about it here
  // As the listener itself: connections of a predecessor that linger do not count.
  const int on = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int result = 0;
  if (address.is_ipv4()) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(address.port);
    std::memcpy(&name.sin_addr, address.ip.data() + 12, 4);
    result = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  } else {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(address.port);
    std::memcpy(&name.sin6_addr, address.ip.data(), 16);
    result = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  }
  return result == 0 && ::listen(socket.get(), 1) == 0 ? 0 : errno;
}

}  // namespace

void check_tcp_port(const std::string& host, std::uint16_t port, const std::string& option) {
  if (port == 0) return;
  const auto address = SocketAddress::parse(host.empty() ? "0.0.0.0" : host == "localhost" ? "127.0.0.1" : host, port);
  if (!address) return;
  const std::string where = "TCP port " + std::to_string(port);
  switch (listen_error(*address)) {
    case EADDRINUSE:
      throw config::ConfigError(
          where + " is in use: stop the other program (another sluice?) or choose another port with --" + option + "=N.");
    case EACCES:
      throw config::ConfigError("There is no right to open " + where + ": choose one above 1023 with --" + option + "=N.");
    case EADDRNOTAVAIL:
      throw config::ConfigError("This host does not have the address " + host + ": correct --" +
                                option.substr(0, option.find('.')) + ".host or leave it out.");
    default:
      return;  // whatever else is wrong, the listener will say
  }
}

}  // namespace sluice::cli
