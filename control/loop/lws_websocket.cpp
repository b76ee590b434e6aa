// The WebSocket half of LwsServer: upgrades, messages in and out, heartbeats.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "control/loop/clock.hpp"
#include "control/loop/lws_server.hpp"

namespace sluice::loop {

namespace {

/// Messages for one socket are joined to writes of about this size: a system call costs more than copying some kilobytes.
constexpr std::size_t joined_bytes = 65536;
/// A message of this size is not copied into a joined write, but handed to the kernel from where all its receivers share it.
constexpr std::size_t shared_bytes = 16384;
/// RFC 6455 section 7.4.1: never sent, the client concludes it from the missing close frame.
constexpr std::uint16_t terminated = 1006;

/// The header of an unmasked, final frame (RFC 6455 section 5.2).
///
///      0                   1                   2
///     |1|0 0 0|opcode |0| length 7  | + 16 or 64 bits of length |
void append_frame_header(std::vector<unsigned char>& out, MessageKind kind, std::size_t size) {
  out.push_back(kind == MessageKind::text ? 0x81 : 0x82);
  if (size < 126) {
    out.push_back(static_cast<unsigned char>(size));
    return;
  }
  const int bytes = size < 65536 ? 2 : 8;
  out.push_back(bytes == 2 ? 126 : 127);
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<unsigned char>(size >> shift));
}

/// On a WebSocket, libwebsockets passes this kind of write on as it is: frames are made here, several in one write.
int write_raw(lws* wsi, const unsigned char* data, std::size_t size) {
  return lws_write(wsi, const_cast<unsigned char*>(data), size, LWS_WRITE_HTTP);
}

UpgradeRefusal plain_refusal(int status, const char* text) {
  return {status, "text/plain; charset=utf-8", std::string(text) + "\n"};
}

}  // namespace

int LwsServer::confirm_upgrade(LwsListener& listener, lws* wsi, const char* wanted) {
  // A pure filter: 0, or -1 after the answer was written (there are advisories against other uses of this callback).
  listener.grant.reset();
  UpgradeDecision decision = plain_refusal(400, "only WebSocket upgrades are served");
  UpgradeRequest request;
  read_request_head(wsi, listener.config, request);
  if (strcasecmp(wanted, "websocket") == 0) decision = decide_upgrade(listener, request);
  if (auto* refusal = std::get_if<UpgradeRefusal>(&decision)) {
    ++statistics_.upgrades_refused;
    if (refusal->status == 429) ++statistics_.over_ip_limit;
    std::string answer = response_head(*refusal, true);
    if (request.method != HttpMethod::head) answer += refusal->body;
    // libwebsockets keeps what the kernel does not take, and closes after it.
    lws_write(wsi, reinterpret_cast<unsigned char*>(answer.data()), answer.size(), LWS_WRITE_HTTP);
    return -1;
  }
  auto& accept = std::get<UpgradeAccept>(decision);
  request.subprotocols = list_elements(request.header("sec-websocket-protocol").value_or(""));
  request.subprotocol = accept.subprotocol;
  listener.protocol_name.fill('\0');
  if (request.subprotocols.empty()) {
    listener.protocol_name[0] = '\x01';
  } else {
    request.subprotocols.front().copy(listener.protocol_name.data(), subprotocol_size_max);
  }
  listener.grant.emplace(LwsGrant{std::move(accept), std::move(request)});
  return 0;
}

UpgradeDecision LwsServer::decide_upgrade(LwsListener& listener, const UpgradeRequest& head) const {
  const ListenerConfig& config = listener.config;
  if (head.header("sec-websocket-version") != "13") {
    UpgradeRefusal refusal = plain_refusal(426, "WebSocket version 13 is required");
    refusal.headers = {{"sec-websocket-version", "13"}, {"upgrade", "websocket"}};
    return refusal;
  }
  if (shutting_down_) return plain_refusal(503, "shutting down");
  if (!config.allowed_origins.empty() &&
      std::find(config.allowed_origins.begin(), config.allowed_origins.end(), head.origin) == config.allowed_origins.end()) {
    return plain_refusal(403, "origin not allowed");
  }
  const auto known = listener.sockets_by_ip.find(head.remote_ip);
  if (!is_exempt_ip(config, head.remote_ip) && known != listener.sockets_by_ip.end() &&
      known->second >= config.sockets_per_ip_max) {
    return plain_refusal(429, "too many connections");
  }
  UpgradeRequest request = head;
  const std::string offered = head.header("sec-websocket-protocol").value_or("");
  request.subprotocols = list_elements(offered);
  if (offered.size() > subprotocol_list_size_max) return plain_refusal(400, "too many subprotocols");
  if (std::any_of(request.subprotocols.begin(), request.subprotocols.end(),
                  [](const std::string& name) { return name.size() > subprotocol_size_max; })) {
    return plain_refusal(400, "subprotocol name too long");
  }
  if (Route* route = config.routes == nullptr ? nullptr : config.routes->find(request); route != nullptr)
    return route->upgrade(request);
  if (config.websocket == nullptr) return plain_refusal(404, "no WebSocket here");
  UpgradeAccept accept;
  accept.handler = config.websocket;
  if (!request.subprotocols.empty()) accept.subprotocol = request.subprotocols.front();
  accept.message_bytes_max = config.message_bytes_max;
  accept.send_queue_bytes_max = config.send_queue_bytes_max;
  accept.ping_interval = config.ping_interval;
  return accept;
}

void LwsServer::opened(LwsListener& listener, LwsSession& session, lws* wsi) {
  const LwsGrant grant = std::move(*listener.grant);
  listener.grant.reset();
  auto* socket = new LwsSocket;  // released in closed(), which libwebsockets always calls after this
  session.socket = socket;
  socket->listener = &listener;
  socket->wsi = wsi;
  socket->handler = grant.accept.handler;
  socket->id = next_id_++;
  socket->ip = grant.request.remote_ip;
  socket->message_bytes_max = grant.accept.message_bytes_max;
  socket->send_queue_bytes_max =
      grant.accept.send_queue_bytes_max != 0 ? grant.accept.send_queue_bytes_max : 4 * grant.accept.message_bytes_max;
  sockets_.emplace(socket->id, socket);
  ++listener.sockets_by_ip[socket->ip];
  ++statistics_.sockets_opened;
  ++statistics_.sockets_open;
  if (grant.accept.ping_interval > Duration::zero()) {
    heartbeats_.add(socket->id, grant.accept.ping_interval, grant.accept.ping_timeout, now());
    heart_->arm(heartbeats_.next_deadline());
  }
  socket->handler->on_open(socket->id, grant.request);
}

int LwsServer::received(LwsSocket& socket, const char* data, std::size_t length) {
  if (socket.closing) return 0;  // what a client says after it was told to go is not heard
  if (socket.received.size() + length > socket.message_bytes_max) {
    ++statistics_.messages_too_large;
    socket.received = {};
    std::string reason = "message too big";
    lws_close_reason(socket.wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, reinterpret_cast<unsigned char*>(reason.data()),
                     reason.size());
    return -1;
  }
  const bool whole = lws_is_final_fragment(socket.wsi) != 0 && lws_remaining_packet_payload(socket.wsi) == 0;
  const MessageKind kind = lws_frame_is_binary(socket.wsi) != 0 ? MessageKind::binary : MessageKind::text;
  if (whole && socket.received.empty()) {  // most messages come in one piece
    ++statistics_.messages_in;
    socket.handler->on_message(socket.id, as_bytes(std::string_view(data, length)), kind);
    return 0;
  }
  socket.received.append(data, length);
  if (!whole) return 0;
  ++statistics_.messages_in;
  const std::string message = std::exchange(socket.received, {});
  socket.handler->on_message(socket.id, as_bytes(message), kind);
  return 0;
}

int LwsServer::writable(LwsSocket& socket) {
  if (std::exchange(socket.ping_due, false)) {
    // Not empty: libwebsockets reports a pong only when it carries something.
    std::array<unsigned char, LWS_PRE + 1> ping{};
    if (lws_write(socket.wsi, ping.data() + LWS_PRE, 1, LWS_WRITE_PING) < 0) return -1;
  }
  if (write_queue(socket) < 0) return -1;
  // A close while libwebsockets still holds bytes would cut the connection after them, without the close frame.
  if (!socket.queue.empty() || (socket.closing && lws_partial_buffered(socket.wsi) != 0)) {
    lws_callback_on_writable(socket.wsi);
    return 0;
  }
  if (!socket.closing || socket.close_sent || socket.closing->first == terminated) return 0;
  // Closing is asked for here rather than by returning -1: Debian's build closes twice in that path, and the second time
  // cuts the connection before the frame has left. libwebsockets then waits a few seconds for the peer's answer.
  auto& [code, reason] = *socket.closing;
  socket.close_sent = true;
  lws_close_reason(socket.wsi, static_cast<lws_close_status>(code), reinterpret_cast<unsigned char*>(reason.data()),
                   reason.size());
  lws_set_timeout(socket.wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
  return 0;
}

/// Writes what is queued, as far as the kernel takes it. -1: the connection is broken.
int LwsServer::write_queue(LwsSocket& socket) {
  std::size_t next = 0;
  while (next < socket.queue.size() && lws_partial_buffered(socket.wsi) == 0) {
    frame_.clear();
    while (next < socket.queue.size() && frame_.size() < joined_bytes) {
      const auto& [text, kind] = socket.queue[next];
      if (text->size() >= shared_bytes && !frame_.empty()) break;
      append_frame_header(frame_, kind, text->size());
      ++next;
      ++statistics_.messages_out;
      socket.queue_bytes -= text->size();
      if (text->size() >= shared_bytes) {
        const int written = write_raw(socket.wsi, frame_.data(), frame_.size());
        frame_.clear();
        const auto* bytes = reinterpret_cast<const unsigned char*>(text->data());
        if (written < 0 || write_raw(socket.wsi, bytes, text->size()) < 0) return -1;
        break;
      }
      frame_.insert(frame_.end(), text->begin(), text->end());
    }
    if (!frame_.empty() && write_raw(socket.wsi, frame_.data(), frame_.size()) < 0) return -1;
  }
  socket.queue.erase(socket.queue.begin(), socket.queue.begin() + static_cast<std::ptrdiff_t>(next));
  if (socket.queue.empty() && socket.queue.capacity() > 16) socket.queue = {};
  return 0;
}

/// At the end of a turn of the loop: sockets that something was queued for are written at once, without waiting for the
/// kernel to say that they are writable, which would cost two more system calls each.
void LwsServer::flush() {
  if (to_flush_.empty()) return;
  next_turn_->arm(never);  // this is the end of a turn: no other one is needed for what is flushed here
  while (!to_flush_.empty()) {
    for (const SocketId id : std::exchange(to_flush_, {})) {
      const auto found = sockets_.find(id);
      if (found == sockets_.end()) continue;
      LwsSocket& socket = *found->second;
      socket.flush_due = false;
      if (socket.close_sent || socket.queue.empty()) continue;
      if (write_queue(socket) < 0) {
        terminate(id);
      } else if (!socket.queue.empty() || socket.closing) {
        lws_callback_on_writable(socket.wsi);
      }
    }
  }
}

void LwsServer::closed(LwsSession& session) {
  const std::unique_ptr<LwsSocket> socket(std::exchange(session.socket, nullptr));
  if (socket == nullptr) return;
  sockets_.erase(socket->id);
  --statistics_.sockets_open;
  const auto count = socket->listener->sockets_by_ip.find(socket->ip);
  if (count != socket->listener->sockets_by_ip.end() && --count->second == 0) socket->listener->sockets_by_ip.erase(count);
  if (!ending_) socket->handler->on_close(socket->id);
}

void LwsServer::beat() {
  const TimePoint at = now();  // of all pings of this call: what an answer is compared with
  Heartbeats::Actions actions;
  actions.ping = [this, at](SocketId id) {
    const auto found = sockets_.find(id);
    if (found == sockets_.end()) return false;
    LwsSocket& socket = *found->second;
    if (socket.unanswered_since == never) socket.unanswered_since = at;
    socket.ping_due = true;
    lws_callback_on_writable(socket.wsi);
    return true;
  };
  actions.has_answered = [this](SocketId id, TimePoint since) {
    const auto found = sockets_.find(id);
    return found == sockets_.end() || found->second->unanswered_since > since;
  };
  actions.end = [this](SocketId id) {
    ++statistics_.heartbeats_missed;
    terminate(id);
  };
  heartbeats_.handle_timeout(at, actions);
  heart_->arm(heartbeats_.next_deadline());
}

void LwsServer::ponged(LwsSocket& socket) {
  socket.unanswered_since = never;
  if (std::exchange(socket.probed, false)) socket.handler->on_pong(socket.id);
}

void LwsServer::send(SocketId id, SharedText text, MessageKind kind) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second->closing) return;
  LwsSocket& socket = *found->second;
  socket.queue_bytes += text->size();
  if (socket.queue_bytes > socket.send_queue_bytes_max) {
    // The reader does not keep up: it is let go rather than waited for, and its queue is not delivered.
    ++statistics_.slow_readers_closed;
    terminate(id);
    return;
  }
  socket.queue.push_back({std::move(text), kind});
  if (std::exchange(socket.flush_due, true)) return;
  if (to_flush_.empty()) next_turn_->arm(TimePoint{});
  to_flush_.push_back(id);
}

void LwsServer::close(SocketId id, std::uint16_t code, std::string_view reason) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second->closing) return;
  found->second->closing.emplace(code, fit_close_reason(reason));
  lws_callback_on_writable(found->second->wsi);
}

void LwsServer::ping(SocketId id) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second->closing) return;
  found->second->ping_due = true;
  found->second->probed = true;
  lws_callback_on_writable(found->second->wsi);
}

void LwsServer::terminate(SocketId id) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return;
  found->second->closing.emplace(terminated, "");
  found->second->queue.clear();
  found->second->queue_bytes = 0;
  // The end of the stream then arrives like any other, whatever callback this is called from. libwebsockets' own delayed
  // kill waits for a timer that it arms only after I/O of its own: on a quiet server, for ever.
  ::shutdown(lws_get_socket_fd(found->second->wsi), SHUT_RDWR);
}

void LwsServer::shut_down(std::uint16_t code, std::string_view reason) {
  shutting_down_ = true;
  std::vector<SocketId> ids;
  ids.reserve(sockets_.size());
  for (const auto& [id, socket] : sockets_) ids.push_back(id);
  for (const SocketId id : ids) close(id, code, reason);
}

std::size_t LwsServer::queued_bytes(SocketId id) const noexcept {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? 0 : found->second->queue_bytes;
}

}  // namespace sluice::loop
