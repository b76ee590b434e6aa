#pragma once

#include <functional>

#include "control/loop/web_server.hpp"
#include "control/signaling/native/connection_sink.hpp"
#include "control/signaling/native/native_dialect.hpp"

namespace sluice::app {

/// Joins the WebSockets of a listener and the native dialect.
class NativeListener final : public loop::WebSocketHandler, public ConnectionSink {
 public:
  NativeListener(loop::WebServer& web, std::function<TimePoint()> now) : web_(web), now_(std::move(now)) {}
  /// The dialect needs this as its sink, so it comes second.
  void attach(NativeDialect& dialect) { dialect_ = &dialect; }

  void on_open(loop::SocketId id, const loop::UpgradeRequest& request) override {
    dialect_->on_open(ConnectionId{id}, {request.remote_ip, request.path, request.subprotocol}, now_());
  }
  void on_message(loop::SocketId id, Bytes message) override { dialect_->on_message(ConnectionId{id}, message, now_()); }
  void on_close(loop::SocketId id) override { dialect_->on_close(ConnectionId{id}, now_()); }

  void send(ConnectionId connection, SharedText text) override { web_.send(connection.value, std::move(text)); }
  void close(ConnectionId connection, std::uint16_t code, std::string_view reason) override {
    web_.close(connection.value, code, reason);
  }

 private:
  loop::WebServer& web_;
  std::function<TimePoint()> now_;
  NativeDialect* dialect_ = nullptr;
};

}  // namespace sluice::app
