#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "control/embedding/rpc_client.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice::embedding {

/// Carries the lines of an RpcClient over a Unix socket, on a thread of its own, and connects again whenever the connection
/// ends: control may be killed and started again at any time. The client is used under `lock` only.
class ControlLink {
 public:
  struct Owner {
    std::mutex& lock;
    RpcClient& client;
    std::function<void()> on_connected;     // under the lock, after client.connected()
    std::function<void()> on_disconnected;  // under the lock, after client.disconnected()
    std::function<void()> first;            // on the thread, before anything else; may be empty
  };
  /// All that `owner` refers to outlives this.
  ControlLink(std::string path, Owner owner);
  /// Begins. Once, when everything that the owner's functions use is in place.
  void start();
  ~ControlLink();
  ControlLink(const ControlLink&) = delete;
  ControlLink& operator=(const ControlLink&) = delete;

  /// There is something to send, or a deadline has changed. Any thread.
  void wake() noexcept;
  /// Ends connection and thread. Not on its own thread.
  void stop();

 private:
  void run();
  [[nodiscard]] Descriptor connect() const;
  void converse(const Descriptor& socket);
  [[nodiscard]] bool flush(const Descriptor& socket, std::string& unsent);
  /// False when the connection is over.
  [[nodiscard]] bool take_in(const Descriptor& socket);
  void wait(int fd, short events, Duration limit) const;

  std::string path_;
  Owner owner_;
  Descriptor bell_;  // an eventfd
  std::string buffer_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::embedding
