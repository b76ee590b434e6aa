#include "control/loop/local_server.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <deque>
#include <stdexcept>
#include <utility>

#include "control/loop/clock.hpp"

namespace sluice::loop {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr int accepts_at_once = 16;

}  // namespace

struct LocalServer::Impl {
  /// One connection. libuv holds it until its close callback.
  struct LocalConnection {
    uv_poll_t poll{};
    Impl* server = nullptr;  // null: on its way out
    LocalId id = 0;
    int fd = -1;
    std::deque<std::string> queue;
    std::size_t queued = 0;
    std::size_t written = 0;  // of the first
    bool closing = false;
    int events = 0;
  };

  Impl(EventLoop& event_loop, int descriptor, LocalHandler& local_handler, Limits local_limits)
      : loop(static_cast<uv_loop_t*>(event_loop.native())),
        handler(local_handler),
        limits(local_limits),
        listener(descriptor) {
    watch_listener(event_loop);
    retry = event_loop.timer([this, &event_loop] { watch_listener(event_loop); });
  }
  ~Impl() {
    watch.reset();
    ::close(listener);
    while (!connections.empty()) drop(*connections.begin()->second);
  }

  void watch_listener(EventLoop& event_loop) {
    watch = event_loop.readable(listener, [this] { accept_some(); });
  }

  void accept_some() {
    for (int i = 0; i < accepts_at_once; ++i) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) {
        // No descriptor is left: who waits stays in the kernel's queue; asked again in a moment instead of spinning.
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
          watch.reset();
          retry->arm(now() + std::chrono::milliseconds(100));
        }
        return;
      }
      ucred peer{};
      socklen_t size = sizeof(peer);
      if (connections.size() >= limits.connections || ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        ::close(fd);
        continue;
      }
      auto* connection = new LocalConnection;
      connection->fd = fd;
      connection->id = ++last_id;
      connection->poll.data = connection;
      if (uv_poll_init(loop, &connection->poll, fd) != 0) {
        ::close(fd);
        delete connection;
        continue;
      }
      connection->server = this;
      connections.emplace(connection->id, connection);
      update(*connection);
      if (!handler.on_open(connection->id, {static_cast<std::uint32_t>(peer.pid), peer.uid, peer.gid})) drop(*connection);
    }
  }

  /// Ends it without telling.
  void drop(LocalConnection& connection) {
    connections.erase(connection.id);
    connection.server = nullptr;
    uv_poll_stop(&connection.poll);
    ::close(connection.fd);
    uv_close(reinterpret_cast<uv_handle_t*>(&connection.poll),
             [](uv_handle_t* handle) { delete static_cast<LocalConnection*>(handle->data); });
  }

  void lost(LocalConnection& connection) {
    const LocalId id = connection.id;
    const bool told = !connection.closing;
    drop(connection);
    if (told) handler.on_close(id);
  }

  void update(LocalConnection& connection) {
    int events = 0;
    if (!connection.closing && connection.queued <= limits.queue_bytes_pause) events |= UV_READABLE;
    if (!connection.queue.empty()) events |= UV_WRITABLE;
    if (events == 0) events = UV_DISCONNECT;
    if (events == connection.events) return;
    connection.events = events;
    uv_poll_start(&connection.poll, events, on_poll);
  }

  static void on_poll(uv_poll_t* poll, int status, int events) {
    auto* connection = static_cast<LocalConnection*>(poll->data);
    Impl* server = connection->server;
    if (server == nullptr) return;
    if (status < 0 || (events & UV_DISCONNECT) != 0) return server->lost(*connection);
    const LocalId id = connection->id;
    if ((events & UV_WRITABLE) != 0 && !server->write_some(*connection)) return;
    if ((events & UV_READABLE) != 0) server->read_some(*connection);
    if (const auto still = server->connections.find(id); still != server->connections.end()) server->update(*still->second);
  }

  /// False: it is gone.
  bool write_some(LocalConnection& connection) {
    const std::size_t before = connection.queued;
    while (!connection.queue.empty()) {
      const std::string& first = connection.queue.front();
      const ssize_t sent =
          ::send(connection.fd, first.data() + connection.written, first.size() - connection.written, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (sent < 0) {
        lost(connection);
        return false;
      }
      connection.written += static_cast<std::size_t>(sent);
      connection.queued -= static_cast<std::size_t>(sent);
      if (connection.written < first.size()) continue;
      connection.queue.pop_front();
      connection.written = 0;
    }
    if (connection.queue.empty() && connection.closing) {
      drop(connection);
      return false;
    }
    if (connection.queued == before || connection.closing) return true;
    const LocalId id = connection.id;
    handler.on_drained(id);
    return connections.contains(id);
  }

  void read_some(LocalConnection& connection) {
    const ssize_t size = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size <= 0) return lost(connection);
    handler.on_bytes(connection.id, Bytes(buffer.data(), static_cast<std::size_t>(size)));
  }

  LocalConnection* find(LocalId id) const {
    const auto found = connections.find(id);
    return found == connections.end() ? nullptr : found->second;
  }

  uv_loop_t* loop;
  LocalHandler& handler;
  Limits limits;
  int listener;
  std::unique_ptr<EventLoop::Watch> watch;
  std::unique_ptr<EventLoop::Timer> retry;
  std::unordered_map<LocalId, LocalConnection*> connections;
  LocalId last_id = 0;
  std::array<std::byte, read_bytes> buffer{};
};

LocalServer::LocalServer(EventLoop& loop, int listener, LocalHandler& handler, Limits limits)
    : impl_(std::make_unique<Impl>(loop, listener, handler, limits)) {}
LocalServer::~LocalServer() = default;

void LocalServer::send(LocalId id, std::string bytes) {
  Impl::LocalConnection* connection = impl_->find(id);
  if (connection == nullptr || connection->closing || bytes.empty()) return;
  connection->queued += bytes.size();
  connection->queue.push_back(std::move(bytes));
  // At the next turn of the loop: several answers of one turn leave together.
  impl_->update(*connection);
}

std::size_t LocalServer::queued_bytes(LocalId id) const {
  const Impl::LocalConnection* connection = impl_->find(id);
  return connection == nullptr ? 0 : connection->queued;
}

void LocalServer::close(LocalId id, bool flush) {
  Impl::LocalConnection* connection = impl_->find(id);
  if (connection == nullptr) return;
  connection->closing = true;
  if (!flush || connection->queue.empty()) return impl_->drop(*connection);
  impl_->update(*connection);
}

std::size_t LocalServer::connections() const noexcept {
  return impl_->connections.size();
}

}  // namespace sluice::loop
