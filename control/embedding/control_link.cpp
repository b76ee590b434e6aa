#include "control/embedding/control_link.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "control/embedding/link_clock.hpp"

namespace sluice::embedding {

using namespace std::chrono_literals;

namespace {

/// A successor of a killed control process listens some 100 ms later; who connects meanwhile waits in the kernel. Only a
/// server that has ended refuses.
constexpr Duration retry_first = 20ms;
constexpr Duration retry_most = 1s;
/// Answers may be long (all rooms of a large server); events and questions are below 1 MiB.
constexpr std::size_t line_bytes_max = std::size_t{64} << 20U;

}  // namespace

ControlLink::ControlLink(std::string path, Owner owner)
    : path_(std::move(path)), owner_(std::move(owner)), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ControlLink::start() {
  thread_ = std::thread([this] { run(); });
}

ControlLink::~ControlLink() {
  stop();
}

void ControlLink::wake() noexcept {
  const std::uint64_t one = 1;
  (void)!::write(bell_.get(), &one, sizeof(one));
}

void ControlLink::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void ControlLink::run() {
  if (owner_.first) owner_.first();
  Duration pause = retry_first;
  while (!stopping_) {
    Descriptor socket = connect();
    if (!socket.valid()) {
      wait(-1, 0, pause);
      pause = std::min(2 * pause, retry_most);
      const std::lock_guard lock(owner_.lock);
      owner_.client.handle_timeout(link_now());
      continue;
    }
    pause = retry_first;
    buffer_.clear();
    {
      const std::lock_guard lock(owner_.lock);
      owner_.client.connected();
      owner_.on_connected();
    }
    converse(socket);
    {
      const std::lock_guard lock(owner_.lock);
      owner_.client.disconnected();
      owner_.on_disconnected();
    }
    if (!stopping_) wait(-1, 0, retry_first);
  }
}

Descriptor ControlLink::connect() const {
  sockaddr_un name{};
  if (path_.size() >= sizeof(name.sun_path)) return {};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path_.c_str(), path_.size() + 1);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return {};
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) return {};
  return socket;
}

void ControlLink::wait(int fd, short events, Duration limit) const {
  std::array<pollfd, 2> watched{pollfd{bell_.get(), POLLIN, 0}, pollfd{fd, events, 0}};
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  (void)::poll(watched.data(), fd < 0 ? 1 : 2, static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, 60'000)));
  std::uint64_t rung = 0;
  (void)!::read(bell_.get(), &rung, sizeof(rung));
}

void ControlLink::converse(const Descriptor& socket) {
  std::string unsent;
  while (!stopping_) {
    TimePoint deadline = never;
    {
      const std::lock_guard lock(owner_.lock);
      owner_.client.handle_timeout(link_now());
      while (std::optional<std::string> line = owner_.client.poll_line()) {
        unsent += *line;
        unsent += '\n';
      }
      deadline = owner_.client.next_deadline();
    }
    if (!flush(socket, unsent)) return;
    const Duration limit = deadline == never ? Duration(60s) : std::max(deadline - link_now(), Duration::zero());
    wait(socket.get(), static_cast<short>(unsent.empty() ? POLLIN : POLLIN | POLLOUT), limit);
    if (!take_in(socket)) return;
  }
}

bool ControlLink::flush(const Descriptor& socket, std::string& unsent) {
  std::size_t at = 0;
  while (at < unsent.size()) {
    const ssize_t sent = ::send(socket.get(), unsent.data() + at, unsent.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent <= 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  unsent.erase(0, at);
  return true;
}

bool ControlLink::take_in(const Descriptor& socket) {
  std::array<char, 65536> part{};
  const ssize_t size = ::recv(socket.get(), part.data(), part.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (size == 0) return false;
  const std::size_t searched = buffer_.size();
  buffer_.append(part.data(), static_cast<std::size_t>(size));
  std::size_t begin = 0;
  std::size_t end = buffer_.find('\n', searched);
  const std::lock_guard lock(owner_.lock);
  for (; end != std::string::npos; end = buffer_.find('\n', begin)) {
    owner_.client.receive(std::string_view(buffer_).substr(begin, end - begin));
    begin = end + 1;
  }
  buffer_.erase(0, begin);
  return buffer_.size() <= line_bytes_max;
}

}  // namespace sluice::embedding
