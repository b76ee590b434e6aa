#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "control/loop/http_message.hpp"
#include "control/loop/http_reply.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/message_kind.hpp"
#include "shm/types/time.hpp"

namespace sluice::loop {

/// Names one WebSocket for its life; never reused by this process.
using SocketId = std::uint64_t;

/// What the upgrade request said.
struct UpgradeRequest : RequestHead {
  std::vector<std::string> subprotocols;  // offered, in the client's order
  std::string subprotocol;                // the one selected; empty until the upgrade was accepted, or if none was
};

/// Receives what happens on WebSockets. Called on the loop's thread; may call back into the WebServer.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void on_open(SocketId id, const UpgradeRequest& request) = 0;
  /// One whole message; borrowed for the call.
  virtual void on_message(SocketId id, Bytes message, MessageKind kind) = 0;
  /// The first pong after WebServer::ping(); not those of the heartbeat.
  virtual void on_pong(SocketId id) { (void)id; }
  virtual void on_close(SocketId id) = 0;
};

/// The upgrade goes on, and the socket is `handler`'s.
struct UpgradeAccept {
  WebSocketHandler* handler = nullptr;  // outlives the server
  std::string subprotocol = {};         // one of those offered (at most 63 characters), or empty: none is selected
  std::size_t message_bytes_max = 1048576;
  std::size_t send_queue_bytes_max = 0;               // a slower reader is terminated; 0: four times the largest message
  Duration ping_interval = std::chrono::seconds(30);  // zero: no pings
  /// How long a pong may take before the socket is terminated; zero: until the next ping is due.
  Duration ping_timeout = Duration::zero();
};

/// The client gets this answer instead of the upgrade, and the connection ends.
using UpgradeRefusal = HttpResponse;

using UpgradeDecision = std::variant<UpgradeAccept, UpgradeRefusal>;

/// A part of a listener's paths. The first that claims a request gets it; what nobody claims is the listener's own.
class Route {
 public:
  virtual ~Route() = default;
  /// By path, or by whatever else the head says: for upgrades, `sec-websocket-protocol` is among its headers.
  [[nodiscard]] virtual bool claims(const RequestHead& head) const = 0;
  /// Called inside the upgrade: decides from the request alone and changes nothing at the WebServer:
  /// libwebsockets' upgrade callback must be a pure filter. The default refuses.
  [[nodiscard]] virtual UpgradeDecision upgrade(const UpgradeRequest& request) {
    (void)request;
    return UpgradeRefusal{404, "text/plain; charset=utf-8", "There is no WebSocket here.\n"};
  }
  /// A request with a body begins: its head is whole, http() or http_too_large() follow with the same `exchange` unless the
  /// client goes first. Whoever answers here ends the exchange: what is left of the body is dropped, and so is the
  /// connection after it. Not called for requests without a body. `head` is borrowed for the call.
  virtual void http_arriving(const RequestHead& head, const HttpReply& reply) {
    (void)head;
    (void)reply;
  }
  /// Its body was larger than the listener takes. The default says so.
  virtual void http_too_large(const RequestHead& head, const HttpReply& reply) {
    (void)head;
    reply({413, "application/json", R"({"error":"Body too large"})"});
  }
  /// `request` is borrowed for the call. The default answers 404.
  virtual void http(const HttpRequest& request, HttpReply reply) {
    (void)request;
    reply({404, "text/plain; charset=utf-8", "There is nothing here.\n"});
  }
};

/// The routes of a listener in the order in which they are asked. All outlive the server.
class Routes {
 public:
  void add(Route& route) { routes_.push_back(&route); }
  [[nodiscard]] Route* find(const RequestHead& head) const {
    for (Route* route : routes_) {
      if (route->claims(head)) return route;
    }
    return nullptr;
  }

 private:
  std::vector<Route*> routes_;
};

}  // namespace sluice::loop
