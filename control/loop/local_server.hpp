#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/loop/event_loop.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::loop {

/// Names one connection of a LocalServer for its life.
using LocalId = std::uint64_t;

/// Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED), when it connected.
struct LocalPeer {
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// Receives what happens on the connections of a LocalServer, on the loop's thread.
class LocalHandler {
 public:
  virtual ~LocalHandler() = default;
  /// False: closed at once.
  [[nodiscard]] virtual bool on_open(LocalId id, const LocalPeer& peer) = 0;
  virtual void on_bytes(LocalId id, Bytes bytes) = 0;
  /// What was queued has become less.
  virtual void on_drained(LocalId id) = 0;
  /// Not called after close() by ourselves.
  virtual void on_close(LocalId id) = 0;
};

/// Stream connections of a listening Unix socket on the event loop. What is sent is queued and written when the client
/// takes it; while a client has more than `queue_bytes_pause` to read, nothing more is read from it.
class LocalServer {
 public:
  struct Limits {
    std::size_t connections = 256;  // more are closed at once
    std::size_t queue_bytes_pause = std::size_t{4} << 20U;
  };
  /// Takes over `listener`, which listens already. Throws std::runtime_error.
  LocalServer(EventLoop& loop, int listener, LocalHandler& handler, Limits limits);
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  void send(LocalId id, std::string bytes);
  [[nodiscard]] std::size_t queued_bytes(LocalId id) const;
  /// After what is queued has left, or at once.
  void close(LocalId id, bool flush);
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::loop
