#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "control/loop/http_message.hpp"
#include "control/loop/route.hpp"
#include "shm/types/message_kind.hpp"
#include "shm/types/shared_text.hpp"
#include "shm/types/time.hpp"

namespace sluice::loop {

class EventLoop;

struct ListenerConfig {
  std::string name;               // for logs: "signaling", "admin"
  std::string host;               // numeric address; empty = all
  std::uint16_t port = 0;         // 0 = any
  std::string tls_cert, tls_key;  // PEM files; empty = no TLS
  std::size_t message_bytes_max = 1048576;
  std::size_t body_bytes_max = 1048576;
  std::size_t send_queue_bytes_max = 4 * 1048576;  // a slower reader is disconnected
  std::uint32_t sockets_per_ip_max = 512;          // TCP connections and WebSockets; loopback is exempt
  std::vector<std::string> limit_exempt;           // numeric addresses that are, too
  Duration ping_interval = std::chrono::seconds(30);
  bool trust_proxy = false;
  std::vector<std::string> allowed_origins;  // empty = all
  const Routes* routes = nullptr;            // asked first; may grow later
  std::function<HttpResponse(const HttpRequest&)> http;
  WebSocketHandler* websocket = nullptr;  // null: upgrades that no route claims are refused
};

struct WebServerStatistics {
  std::uint64_t sockets_open = 0;
  std::uint64_t sockets_opened = 0;
  std::uint64_t upgrades_refused = 0;
  std::uint64_t connections_refused = 0;  ///< closed at once, because descriptors run out
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t slow_readers_closed = 0;
  std::uint64_t heartbeats_missed = 0;
  std::uint64_t messages_too_large = 0;
  std::uint64_t http_requests = 0;
  std::uint64_t http_waiting = 0;   ///< requests that will be answered later
  std::uint64_t http_aborted = 0;   ///< whose client went before the answer
  std::uint64_t over_ip_limit = 0;  ///< connections and upgrades refused because of sockets_per_ip_max
};

/// A listener could not be opened; what() is one sentence that says what to do.
class ListenError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// HTTP/1.1 and WebSocket by libwebsockets on the event loop. HTTP/2 is neither offered nor accepted, nor is compression.
/// Message order is kept per socket; broken frames close only their own connection (1002, 1007, 1009). One rule of RFC 6455
/// section 5.1 is not kept: frames without a mask are taken instead of closed with 1002. libwebsockets 4.1 reads the mask
/// bit and shows it to no callback, nor the bytes before it has parsed them; later versions refuse such frames by
/// themselves. The mask protects proxies on the way from scripts in browsers, which cannot leave it out.
class WebServer {
 public:
  explicit WebServer(EventLoop& loop);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// Opens a listener; returns its port. Throws ListenError.
  std::uint16_t listen(ListenerConfig config);

  /// Queues one message. Nothing happens for a socket that is closing or gone. What one turn of the loop queues for a socket
  /// leaves in one write at its end, and the text is not copied before.
  void send(SocketId id, SharedText text, MessageKind kind = MessageKind::text);
  /// Closes after what is queued has left. `reason` is cut to 123 UTF-8 bytes at a character boundary.
  void close(SocketId id, std::uint16_t code, std::string_view reason);
  /// Sends a ping now, beside the heartbeat's; WebSocketHandler::on_pong() tells of the answer.
  void ping(SocketId id);
  /// Drops the TCP connection without a close frame.
  void terminate(SocketId id);
  /// Closes every socket with `code` and accepts no more.
  void shut_down(std::uint16_t code, std::string_view reason);
  /// Reads certificates and keys again from their files.
  void reload_tls();

  [[nodiscard]] const WebServerStatistics& statistics() const noexcept;
  /// Bytes queued for a socket that the kernel has not taken; 0 for one that is gone.
  [[nodiscard]] std::size_t queued_bytes(SocketId id) const noexcept;

 private:
  std::unique_ptr<class LwsServer> server_;
};

/// The longest prefix of `reason` that fits a close frame (123 bytes) and ends at a character boundary (RFC 6455
/// section 5.5).
[[nodiscard]] std::string_view fit_close_reason(std::string_view reason) noexcept;

}  // namespace sluice::loop
