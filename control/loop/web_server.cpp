#include "control/loop/web_server.hpp"

#include "control/loop/lws_server.hpp"

namespace sluice::loop {

WebServer::WebServer(EventLoop& loop) : server_(std::make_unique<LwsServer>(loop)) {}
WebServer::~WebServer() = default;
std::uint16_t WebServer::listen(ListenerConfig config) {
  return server_->listen(std::move(config));
}
void WebServer::send(SocketId id, SharedText text, MessageKind kind) {
  server_->send(id, std::move(text), kind);
}
void WebServer::close(SocketId id, std::uint16_t code, std::string_view reason) {
  server_->close(id, code, reason);
}
void WebServer::ping(SocketId id) {
  server_->ping(id);
}
void WebServer::terminate(SocketId id) {
  server_->terminate(id);
}
void WebServer::shut_down(std::uint16_t code, std::string_view reason) {
  server_->shut_down(code, reason);
}
void WebServer::reload_tls() {
  server_->reload_tls();
}
const WebServerStatistics& WebServer::statistics() const noexcept {
  return server_->statistics();
}
std::size_t WebServer::queued_bytes(SocketId id) const noexcept {
  return server_->queued_bytes(id);
}

}  // namespace sluice::loop
