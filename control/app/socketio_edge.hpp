#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "control/loop/route.hpp"
#include "control/loop/web_server.hpp"
#include "control/signaling/socketio/engine_server.hpp"

namespace sluice::app {

/// Joins the web layer and one Engine.IO endpoint. Requests that wait for their answer are kept here.
class SocketioEdge final : public socketio::EngineSink {
 public:
  SocketioEdge(loop::WebServer& web, TimePoint (*clock)()) : web_(web), now_(clock) {}
  void attach(socketio::EngineServer& engine) { engine_ = &engine; }
  [[nodiscard]] socketio::EngineServer& engine() noexcept { return *engine_; }
  [[nodiscard]] TimePoint now() const { return now_(); }

  /// The head of a request with a body, by which alone a session may end; then its body comes, or turns out too large.
  void arriving(const loop::RequestHead& head, const loop::HttpReply& reply, std::uint8_t entrance);
  void too_large(const loop::RequestHead& head);
  void http(const loop::HttpRequest& request, const loop::HttpReply& reply, std::uint8_t entrance);
  [[nodiscard]] static socketio::EngineRequest engine_request(const loop::RequestHead& head, const std::string& content_type,
                                                              const std::string& requested_headers, std::uint8_t entrance);

  void answer(socketio::RequestId request, socketio::EngineResponse response) override;
  void send(socketio::SocketId socket, const socketio::SharedText& data, bool binary) override {
    web_.send(socket, data, binary ? MessageKind::binary : MessageKind::text);
  }
  void close(socketio::SocketId socket) override { web_.close(socket, 1000, ""); }
  void terminate(socketio::SocketId socket) override { web_.terminate(socket); }

 private:
  loop::WebServer& web_;
  TimePoint (*now_)();
  socketio::EngineServer* engine_ = nullptr;
  /// The request begins at the engine. Its id; nothing if it was answered by that.
  std::optional<socketio::RequestId> begin(const loop::RequestHead& head, const loop::HttpReply& reply,
                                           std::uint8_t entrance);
  std::optional<socketio::RequestId> arrived(std::uint64_t exchange);
  struct Waiting {
    loop::HttpReply reply;
    std::uint64_t exchange = 0;
  };
  std::unordered_map<socketio::RequestId, Waiting> waiting_;
  std::unordered_map<std::uint64_t, socketio::RequestId> arriving_;  // by exchange: those whose bodies are to come
  socketio::RequestId last_request_ = 0;
};

/// One way in to an edge: a path, and by which listener.
class SocketioEntrance final : public loop::Route, public loop::WebSocketHandler {
 public:
  enum class Visitors : std::uint8_t { anybody, loopback };
  SocketioEntrance(SocketioEdge& edge, std::string path, std::uint8_t entrance, Visitors visitors = Visitors::anybody)
      : edge_(edge), path_(std::move(path)), entrance_(entrance), visitors_(visitors) {}

  [[nodiscard]] bool claims(const loop::RequestHead& head) const override { return head.path.starts_with(path_); }
  [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request) override;
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;
  void http_arriving(const loop::RequestHead& head, const loop::HttpReply& reply) override {
    if (welcome(head) && claims(head)) edge_.arriving(head, reply, entrance_);
  }
  void http_too_large(const loop::RequestHead& head, const loop::HttpReply& reply) override;

  void on_open(loop::SocketId id, const loop::UpgradeRequest& request) override;
  void on_message(loop::SocketId id, Bytes message, MessageKind kind) override;
  void on_close(loop::SocketId id) override;

 private:
  [[nodiscard]] bool welcome(const loop::RequestHead& head) const;
  SocketioEdge& edge_;
  std::string path_;
  std::uint8_t entrance_;
  Visitors visitors_;
};

}  // namespace sluice::app
