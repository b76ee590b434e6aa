#include "control/app/socketio_edge.hpp"

#include <utility>

namespace sluice::app {

using socketio::EngineRequest;

namespace {

EngineRequest::Method method_of(loop::HttpMethod method) {
  switch (method) {
    case loop::HttpMethod::get:
      return EngineRequest::Method::get;
    case loop::HttpMethod::post:
      return EngineRequest::Method::post;
    case loop::HttpMethod::options:
      return EngineRequest::Method::options;
    default:
      return EngineRequest::Method::other;
  }
}

}  // namespace

EngineRequest SocketioEdge::engine_request(const loop::RequestHead& head, const std::string& content_type,
                                           const std::string& requested_headers, std::uint8_t entrance) {
  return {method_of(head.method), head.query, content_type, head.origin, head.remote_ip, requested_headers, entrance};
}

std::optional<socketio::RequestId> SocketioEdge::begin(const loop::RequestHead& head, const loop::HttpReply& reply,
                                                       std::uint8_t entrance) {
  const std::string content_type = head.header("content-type").value_or("");
  const std::string requested_headers = head.header("access-control-request-headers").value_or("");
  const socketio::RequestId id = ++last_request_;
  waiting_.emplace(id, Waiting{reply, head.exchange});
  engine_->http_begin(id, engine_request(head, content_type, requested_headers, entrance), now_());
  if (!waiting_.contains(id)) return std::nullopt;
  reply.on_abort([this, id, exchange = head.exchange] {
    waiting_.erase(id);
    arriving_.erase(exchange);
    engine_->http_lost(id, now_());
  });
  return id;
}

void SocketioEdge::arriving(const loop::RequestHead& head, const loop::HttpReply& reply, std::uint8_t entrance) {
  if (const auto id = begin(head, reply, entrance)) arriving_[head.exchange] = *id;
}

std::optional<socketio::RequestId> SocketioEdge::arrived(std::uint64_t exchange) {
  const auto node = arriving_.extract(exchange);
  return node.empty() ? std::nullopt : std::optional(node.mapped());
}

void SocketioEdge::too_large(const loop::RequestHead& head) {
  if (const auto id = arrived(head.exchange)) engine_->post_too_large(*id);
}

void SocketioEdge::http(const loop::HttpRequest& request, const loop::HttpReply& reply, std::uint8_t entrance) {
  auto id = arrived(request.exchange);
  if (!id) id = begin(request, reply, entrance);
  if (id && request.method == loop::HttpMethod::post) engine_->post_body(*id, request.body, now_());
}

void SocketioEdge::answer(socketio::RequestId request, socketio::EngineResponse response) {
  auto waiting = waiting_.extract(request);
  if (waiting.empty()) return;
  arriving_.erase(waiting.mapped().exchange);
  waiting.mapped().reply(
      {response.status, std::move(response.content_type), std::move(response.body), std::move(response.headers)});
}

bool SocketioEntrance::welcome(const loop::RequestHead& head) const {
  return visitors_ == Visitors::anybody || head.remote_ip.starts_with("127.") || head.remote_ip == "::1";
}

void SocketioEntrance::http(const loop::HttpRequest& request, loop::HttpReply reply) {
  if (!welcome(request)) return reply({403, "text/plain; charset=utf-8", "Only from this machine.\n"});
  if (!claims(request)) return reply({404, "text/plain; charset=utf-8", "There is nothing here.\n"});
  edge_.http(request, reply, entrance_);
}

void SocketioEntrance::http_too_large(const loop::RequestHead& head, const loop::HttpReply& reply) {
  edge_.too_large(head);
  if (reply.is_open()) loop::Route::http_too_large(head, reply);
}

loop::UpgradeDecision SocketioEntrance::upgrade(const loop::UpgradeRequest& request) {
  if (!welcome(request)) return loop::UpgradeRefusal{403, "text/plain; charset=utf-8", "Only from this machine.\n"};
  if (!claims(request)) return loop::UpgradeRefusal{404, "text/plain; charset=utf-8", "There is nothing here.\n"};
  const auto error = edge_.engine().check_upgrade(SocketioEdge::engine_request(request, "", "", entrance_));
  if (error) {
    return loop::UpgradeRefusal{*error == socketio::EngineError::forbidden ? 403 : 400, "text/html",
                                std::string(socketio::error_text(*error))};
  }
  const socketio::EngineSettings& settings = edge_.engine().settings();
  loop::UpgradeAccept accept;
  accept.handler = this;
  accept.message_bytes_max = settings.payload_bytes_max;
  accept.send_queue_bytes_max = settings.queue_bytes_max;
  accept.ping_interval = Duration::zero();  // Engine.IO has a heartbeat of its own
  return accept;
}

void SocketioEntrance::on_open(loop::SocketId id, const loop::UpgradeRequest& request) {
  edge_.engine().ws_open(id, SocketioEdge::engine_request(request, "", "", entrance_), edge_.now());
}

void SocketioEntrance::on_message(loop::SocketId id, Bytes message, MessageKind kind) {
  edge_.engine().ws_message(id, as_text(message), kind == MessageKind::binary, edge_.now());
}

void SocketioEntrance::on_close(loop::SocketId id) {
  edge_.engine().ws_close(id, edge_.now());
}

}  // namespace sluice::app
