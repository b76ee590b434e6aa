#pragma once

#include <functional>
#include <utility>

#include "control/loop/web_server.hpp"
#include "control/signaling/connections/connection_handler.hpp"
#include "control/signaling/connections/connection_sink.hpp"

namespace sluice::app {

/// Joins the WebSockets that a listener or a route hands over, and one dialect. Every dialect has one of its own; connection
/// ids are those of the sockets, so they are unique over all of them.
class DialectListener final : public loop::WebSocketHandler, public ConnectionSink {
 public:
  DialectListener(loop::WebServer& web, std::function<TimePoint()> now) : web_(web), now_(std::move(now)) {}
  /// The dialect needs this as its sink, so it comes second; before the first connection.
  void attach(ConnectionHandler& dialect) { dialect_ = &dialect; }

  void on_open(loop::SocketId id, const loop::UpgradeRequest& request) override {
    dialect_->on_open(ConnectionId{id},
                      {request.remote_ip, request.path, request.subprotocol, request.query, request.origin, request.host,
                       request.tls, request.raw_path, request.authorization},
                      now_());
  }
  void on_message(loop::SocketId id, Bytes message, MessageKind kind) override {
    dialect_->on_message(ConnectionId{id}, message, kind, now_());
  }
  void on_pong(loop::SocketId id) override { dialect_->on_pong(ConnectionId{id}, now_()); }
  void on_close(loop::SocketId id) override { dialect_->on_close(ConnectionId{id}, now_()); }

  void send(ConnectionId connection, SharedText text) override { web_.send(connection.value, std::move(text)); }
  void send_binary(ConnectionId connection, SharedText bytes) override {
    web_.send(connection.value, std::move(bytes), MessageKind::binary);
  }
  void close(ConnectionId connection, std::uint16_t code, std::string_view reason) override {
    web_.close(connection.value, code, reason);
  }
  void terminate(ConnectionId connection) override { web_.terminate(connection.value); }
  void ping(ConnectionId connection) override { web_.ping(connection.value); }

 private:
  loop::WebServer& web_;
  std::function<TimePoint()> now_;
  ConnectionHandler* dialect_ = nullptr;
};

}  // namespace sluice::app
