#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct lws;
struct lws_context;

namespace sluice::load {

/// Where a WebSocket or HTTP server is, from its URL.
struct ServerUrl {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  std::string path = "/";
};

/// From "ws://host:port/path", wss, http or https. Throws std::invalid_argument with one sentence.
[[nodiscard]] ServerUrl parse_url(const std::string& text);

class Signaling;

/// What a WebSocket tells its owner, all in the thread that runs Signaling.
class SocketEvents {
 public:
  virtual ~SocketEvents() = default;
  virtual void on_open() = 0;
  virtual void on_text(std::string_view text) = 0;
  /// Also when it could not be opened. The socket is gone afterwards.
  virtual void on_close(std::string_view why) = 0;
};

/// One WebSocket of ours.
class Socket {
 public:
  void send(std::string text);

 private:
  friend class Signaling;
  friend struct SignalingCallbacks;
  SocketEvents* events = nullptr;
  Signaling* owner = nullptr;
  lws* wsi = nullptr;
  std::deque<std::string> queue;
  std::string received;
  bool closing = false;
};

/// WebSocket clients by libwebsockets: one context, run by the thread that calls turn().
class Signaling {
 public:
  explicit Signaling(ServerUrl server);
  ~Signaling();
  Signaling(const Signaling&) = delete;
  Signaling& operator=(const Signaling&) = delete;

  /// `events` outlives the socket or forgets it by close().
  std::shared_ptr<Socket> connect(SocketEvents& events);
  /// Closes without further events.
  void close(const std::shared_ptr<Socket>& socket);
  /// Calls `tick` about every `milliseconds`, inside turn().
  void set_tick(unsigned milliseconds, std::function<void()> tick);
  /// Waits for something and handles it.
  void turn();
  /// Thread-safe: runs `task` inside turn().
  void post(std::function<void()> task);

 private:
  friend struct SignalingCallbacks;
  struct Impl;
  ServerUrl server_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::load
