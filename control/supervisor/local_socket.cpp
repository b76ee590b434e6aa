#include "control/supervisor/local_socket.hpp"

#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sluice::supervisor {
namespace {

bool name_of(const std::filesystem::path& path, sockaddr_un& name) {
  const std::string text = path.string();
  if (text.size() >= sizeof(name.sun_path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, text.c_str(), text.size() + 1);
  return true;
}

void limit_waits(int socket, std::chrono::milliseconds patience) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const timeval limit{seconds.count(), std::chrono::microseconds(patience - seconds).count()};
  (void)::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  (void)::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

}  // namespace

Descriptor listen_at(const std::filesystem::path& path) {
  sockaddr_un name{};
  if (!name_of(path, name)) return {};
  Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  constexpr int waiting_max = 8;
  if (!socket.valid() || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0 ||
      ::listen(socket.get(), waiting_max) != 0) {
    return {};
  }
  return socket;
}

Descriptor connect_to(const std::filesystem::path& path, std::chrono::milliseconds patience) {
  sockaddr_un name{};
  if (!name_of(path, name)) return {};
  Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return {};
  limit_waits(socket.get(), patience);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) return {};
  return socket;
}

Descriptor accept_from(int listener, uid_t user, std::chrono::milliseconds patience) {
  while (true) {
    Descriptor socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.valid()) return {};
    const std::optional<ucred> peer = peer_of(socket.get());
    if (!peer || peer->uid != user) continue;
    limit_waits(socket.get(), patience);
    return socket;
  }
}

std::optional<ucred> peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer;
}

}  // namespace sluice::supervisor
