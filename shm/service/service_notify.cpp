#include "shm/service/service_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (*path != '/' && *path != '@')) return false;
  sockaddr_un name{};
  const std::size_t length = std::strlen(path);
  if (length >= sizeof(name.sun_path)) return false;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path, length);
  if (*path == '@') name.sun_path[0] = '\0';  // an abstract name
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  const ssize_t sent =
      ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&name), size);
  (void)::close(fd);
  return sent == static_cast<ssize_t>(state.size());
}

std::optional<Duration> watchdog_period() noexcept {
  const auto microseconds = number_in("WATCHDOG_USEC");
  if (!microseconds || *microseconds == 0 || *microseconds > UINT64_C(86'400'000'000)) return std::nullopt;
  if (const auto pid = number_in("WATCHDOG_PID"); pid && *pid != static_cast<std::uint64_t>(::getpid())) return std::nullopt;
  return std::chrono::microseconds(*microseconds / 2);
}

}  // namespace sluice
