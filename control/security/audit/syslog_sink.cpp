#include "control/security/audit/syslog_sink.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "shm/types/address.hpp"

namespace sluice {
namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view udp_scheme = "udp:";
/// 13 * 8 + 5: facility "log audit", severity "notice" (RFC 5424 section 6.2.1).
constexpr std::string_view priority = "<109>1 - - ";

std::optional<SocketAddress> udp_address(std::string_view place) {
  const std::size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = place.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const std::string_view digits = place.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return std::nullopt;
  return SocketAddress::parse(host, port);
}

}  // namespace

SyslogSink::SyslogSink(std::string_view target, std::string service) : target_(target), service_(std::move(service)) {
  connect();
}

void SyslogSink::connect() {
  constexpr int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (target_.starts_with(unix_scheme)) {
    const std::string path = target_.substr(unix_scheme.size());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor made(::socket(AF_UNIX, type, 0));
    if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) socket_ = std::move(made);
  } else if (target_.starts_with(udp_scheme)) {
    const auto place = udp_address(std::string_view(target_).substr(udp_scheme.size()));
    if (!place) return;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(place->port);
    std::memcpy(&address.sin6_addr, place->ip.data(), place->ip.size());
    Descriptor made(::socket(AF_INET6, type, 0));
    const int both = 0;
    (void)::setsockopt(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
    if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) socket_ = std::move(made);
  }
}

void SyslogSink::deliver(const std::shared_ptr<const std::string>& line) {
  if (!socket_.valid()) connect();  // the daemon may have come later
  const std::string message = std::string(priority) + service_ + " " + std::to_string(::getpid()) + " audit - " + *line;
  if (socket_.valid() && ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) >= 0) {
    ++sent_;
    return;
  }
  ++dropped_;
  // A daemon that was started anew has another socket.
  if (errno == ECONNREFUSED || errno == ENOTCONN) socket_ = Descriptor();
}

}  // namespace sluice
