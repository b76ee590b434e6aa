#include "shm/service/service_notify.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace sluice {
namespace {

std::optional<std::uint64_t> number_in(const char* name) noexcept {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc() || *end != '\0') return std::nullopt;
  return value;
}

}  // namespace

bool notify_service_manager(std::string_view state) noexcept {
  return give_service_manager(state, -1) == Told::yes;
}

Told give_service_manager(std::string_view state, int passed) noexcept {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (*path != '/' && *path != '@')) return Told::nobody;
  sockaddr_un name{};
  const std::size_t length = std::strlen(path);
  if (length >= sizeof(name.sun_path)) return Told::nobody;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path, length);
  if (*path == '@') name.sun_path[0] = '\0';  // an abstract name
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Told::later;
  iovec text{const_cast<char*>(state.data()), state.size()};  // it is only read
  msghdr message{};
  message.msg_name = &name;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (passed >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &passed, sizeof(passed));
  }
  const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  const int error = sent < 0 ? errno : 0;
  (void)::close(fd);
  if (sent == static_cast<ssize_t>(state.size())) return Told::yes;
  return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ETOOMANYREFS ? Told::later : Told::nobody;
}

std::optional<Duration> watchdog_period() noexcept {
  const auto microseconds = number_in("WATCHDOG_USEC");
  if (!microseconds || *microseconds == 0 || *microseconds > UINT64_C(86'400'000'000)) return std::nullopt;
  if (const auto pid = number_in("WATCHDOG_PID"); pid && *pid != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
  return std::chrono::microseconds(*microseconds / 2);
}

}  // namespace sluice
