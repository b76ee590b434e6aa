#pragma once

#include <unordered_map>
#include <vector>

#include "control/loop/accept_pause.hpp"
#include "control/loop/event_loop.hpp"
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
  void send(SocketId id, std::shared_ptr<const std::string> text);
  void close(SocketId id, std::uint16_t code, std::string_view reason);
  void terminate(SocketId id);
  void shut_down(std::uint16_t code, std::string_view reason);
  void reload_tls();
  [[nodiscard]] const WebServerStatistics& statistics() const noexcept { return statistics_; }

 private:
  static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t length);

  [[nodiscard]] bool has_room_for(lws* wsi, int accepted_fd) const noexcept;
  int confirm_upgrade(LwsListener& listener, lws* wsi, const char* wanted);
  void opened(LwsListener& listener, LwsSession& session, lws* wsi);
  int received(LwsSocket& socket, const char* data, std::size_t length);
  int writable(LwsSocket& socket);
  void closed(LwsSession& session);
  void heartbeat(const LwsListener& listener);

  int http_begin(LwsListener& listener, LwsSession& session, lws* wsi);
  int http_body(LwsListener& listener, LwsSession& session, const char* data, std::size_t length);
  int http_answer(LwsListener& listener, LwsSession& session, lws* wsi);
  int http_write(LwsSession& session, lws* wsi);

  EventLoop& loop_;
  AcceptPause accept_pause_;
  lws_context* context_ = nullptr;
  std::vector<std::unique_ptr<LwsListener>> listeners_;
  std::vector<std::unique_ptr<EventLoop::Watch>> heartbeats_;
  std::unordered_map<SocketId, LwsSocket*> sockets_;
  SocketId next_id_ = 1;
  bool shutting_down_ = false;
  WebServerStatistics statistics_;
  std::vector<unsigned char> frame_;  // LWS_PRE bytes of room, then the message being written
};

}  // namespace sluice::loop
