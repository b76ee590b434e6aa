#pragma once

#include <unordered_map>
#include <vector>

#include "control/loop/accept_pause.hpp"
#include "control/loop/event_loop.hpp"
#include "control/loop/heartbeats.hpp"
#include "control/loop/lws_session.hpp"

namespace sluice::loop {

/// The libwebsockets context behind WebServer and the callbacks it makes. Internal to this folder.
class LwsServer {
 public:
  explicit LwsServer(EventLoop& loop);
  ~LwsServer();
  LwsServer(const LwsServer&) = delete;
  LwsServer& operator=(const LwsServer&) = delete;

  std::uint16_t listen(ListenerConfig config);
  void send(SocketId id, SharedText text, MessageKind kind);
  void close(SocketId id, std::uint16_t code, std::string_view reason);
  void terminate(SocketId id);
  void ping(SocketId id);
  void shut_down(std::uint16_t code, std::string_view reason);
  void reload_tls();
  [[nodiscard]] const WebServerStatistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t queued_bytes(SocketId id) const noexcept;

 private:
  static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t length);

  // lws_server.cpp: connections
  [[nodiscard]] LwsListener* listener_of(lws_vhost* vhost) const noexcept;
  [[nodiscard]] bool may_enter(lws* wsi, int accepted_fd);
  void entered(lws* wsi);
  static void left(lws* wsi);

  // lws_websocket.cpp
  int confirm_upgrade(LwsListener& listener, lws* wsi, const char* wanted);
  [[nodiscard]] UpgradeDecision decide_upgrade(LwsListener& listener, const UpgradeRequest& request) const;
  void opened(LwsListener& listener, LwsSession& session, lws* wsi);
  int received(LwsSocket& socket, const char* data, std::size_t length);
  void ponged(LwsSocket& socket);
  int writable(LwsSocket& socket);
  int write_queue(LwsSocket& socket);
  void flush();
  void closed(LwsSession& session);
  void beat();

  // lws_http.cpp
  int http_begin(LwsListener& listener, LwsSession& session, lws* wsi);
  int http_body(LwsSession& session, const char* data, std::size_t length);
  int http_complete(LwsExchange& exchange);
  int http_decide(LwsExchange& exchange);
  int http_write(LwsExchange& exchange);
  int http_stream(LwsExchange& exchange);
  int http_written(LwsExchange& exchange);
  void http_answered(std::uint64_t id, HttpResponse response);
  void http_ended(LwsSession& session);
  void watch(LwsExchange& exchange, LwsExchange::State state);
  void look_at(TimePoint at);
  void look_after_exchanges();
  static void continue_sending(LwsExchange& exchange, TimePoint at);

  EventLoop& loop_;
  AcceptPause accept_pause_;
  lws_context* context_ = nullptr;
  std::vector<std::unique_ptr<LwsListener>> listeners_;
  std::unique_ptr<EventLoop::Watch> end_of_turn_;
  std::unique_ptr<EventLoop::Timer> next_turn_;  // makes the end of a turn come soon when no I/O does
  std::unique_ptr<EventLoop::Timer> heart_;
  std::unique_ptr<EventLoop::Timer> exchange_timer_;
  TimePoint next_look_ = never;
  Heartbeats heartbeats_;
  std::unordered_map<SocketId, LwsSocket*> sockets_;
  std::vector<SocketId> to_flush_;
  std::unordered_map<std::uint64_t, LwsExchange*> exchanges_;  // those that wait, or that the kernel has not taken
  SocketId next_id_ = 1;
  bool shutting_down_ = false;
  bool ending_ = false;  // being destroyed: those who would be told may be gone already
  WebServerStatistics statistics_;
  std::vector<unsigned char> frame_;  // what is being written
  std::string piece_;                 // of a streamed body
};

}  // namespace sluice::loop
