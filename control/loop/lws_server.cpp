#include "control/loop/lws_server.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace sluice::loop {

namespace {

/// Messages written to one socket in one turn, so that a long queue does not hold up the others.
constexpr int writes_per_turn = 32;
/// RFC 6455 section 7.4.1: never sent, the client concludes it from the missing close frame.
constexpr std::uint16_t terminated = 1006;

int refuse(lws* wsi, unsigned status, const char* text) {
  lws_return_http_status(wsi, status, text);
  return -1;
}

/// Descriptors that stay free for the process itself, and beyond those for listeners without WebSocket (admin, metrics):
/// full signaling must not blind the operator.
constexpr rlim_t own_reserve = 8;
constexpr rlim_t operator_reserve = 24;

/// Turns of the loop in which libwebsockets closes what it has on it; three are known to be needed.
constexpr int closing_turns = 8;

/// libwebsockets unloads its libuv plugin with the context, while close callbacks inside the plugin may still be due on our
/// loop. Loaded once more with RTLD_NODELETE it stays.
void keep_event_plugin_loaded() {
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void*) {
        if (std::strstr(object->dlpi_name, "evlib_uv") == nullptr) return 0;
        return dlopen(object->dlpi_name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != nullptr ? 1 : 0;
      },
      nullptr);
}

}  // namespace

std::string_view fit_close_reason(std::string_view reason) noexcept {
  constexpr std::size_t limit = 123;
  if (reason.size() <= limit) return reason;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80U) --end;
  return reason.substr(0, end);
}

LwsServer::LwsServer(EventLoop& loop) : loop_(loop), accept_pause_(loop) {
  // Its own lines would be a second log format; what matters reaches us through callbacks, and AcceptPause.
  static void* foreign_loops[1];
  foreign_loops[0] = loop.native();
  lws_context_creation_info info{};
  info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                 LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
  info.foreign_loops = foreign_loops;
  info.user = this;
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.alpn = "http/1.1";
  info.timeout_secs = 5;              // an upgrade or a request's headers take no longer
  info.max_http_header_data2 = 8192;  // bytes of headers
  info.max_http_header_pool2 = 512;   // requests whose headers are being read
  info.pt_serv_buf_size = 32768;
  info.fd_limit_per_thread = 0;
  context_ = lws_create_context(&info);
  if (context_ == nullptr) {
    throw ListenError(
        "libwebsockets could not start on the libuv loop; install libwebsockets-evlib-uv and check 'ulimit -n'.");
  }
  keep_event_plugin_loaded();
}

LwsServer::~LwsServer() {
  heartbeats_.clear();
  // With a foreign loop the first call only starts the closing of handles: one turn of the loop closes those of connections,
  // and a later one those that lie inside the context, whose memory the second call releases. A turn too few leaves libuv
  // with freed handles.
  lws_context_destroy(context_);
  auto stop = loop_.timer([this] { loop_.stop(); });
  for (int turn = 0; turn < closing_turns; ++turn) {
    stop->arm(TimePoint{});
    loop_.run();
  }
  lws_context_destroy(context_);
}

std::uint16_t LwsServer::listen(ListenerConfig config) {
  auto listener = std::make_unique<LwsListener>();
  listener->config = std::move(config);
  const ListenerConfig& settings = listener->config;
  const auto protocol = [&](const char* name) {
    lws_protocols entry{};
    entry.name = name;
    entry.callback = &LwsServer::callback;
    entry.per_session_data_size = sizeof(LwsSession);
    entry.rx_buffer_size = 16384;
    entry.user = listener.get();
    return entry;
  };
  listener->protocols = {protocol("http"), protocol(listener->offered_name.data()), lws_protocols{}};
  // An empty name would match nothing; the entry takes its name in confirm_upgrade.
  listener->offered_name[0] = '\x01';

  lws_context_creation_info info{};
  info.port = settings.port;
  info.iface = settings.host.empty() ? nullptr : settings.host.c_str();
  info.protocols = listener->protocols.data();
  info.vhost_name = settings.name.c_str();
  info.alpn = "http/1.1";
  info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_VALIDATE_UTF8;
  info.keepalive_timeout = 30;
  if (settings.host.find('.') != std::string::npos) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
  if (!settings.tls_cert.empty()) {
    info.ssl_cert_filepath = settings.tls_cert.c_str();
    info.ssl_private_key_filepath = settings.tls_key.c_str();
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  }
  listener->vhost = lws_create_vhost(context_, &info);
  if (listener->vhost == nullptr) {
    const std::string place = (settings.host.empty() ? "" : settings.host + " ") + "port " + std::to_string(settings.port);
    throw ListenError(
        settings.tls_cert.empty()
            ? "The " + settings.name + " " + place + " cannot be opened: it is in use or not allowed; choose another by --" +
                  (settings.name == "admin" ? "adminApi" : settings.name) + ".port."
            : "The " + settings.name + " " + place + " cannot be opened with TLS: it is in use, or the files of " +
                  settings.name + ".tls are no PEM certificate and key.");
  }
  const LwsListener& opened = *listener;
  if (settings.websocket != nullptr)
    heartbeats_.push_back(loop_.every(settings.ping_interval, [this, &opened] { heartbeat(opened); }));
  listeners_.push_back(std::move(listener));
  return static_cast<std::uint16_t>(lws_get_vhost_listen_port(opened.vhost));
}

int LwsServer::callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t length) {
  if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION) {  // of the listening socket; not 0: the connection is closed
    auto& server = *static_cast<LwsServer*>(lws_context_user(lws_get_context(wsi)));
    if (server.has_room_for(wsi, static_cast<int>(reinterpret_cast<std::intptr_t>(in)))) return 0;
    ++server.statistics_.connections_refused;
    return 1;
  }
  const lws_protocols* protocol = lws_get_protocol(wsi);
  auto* listener = protocol == nullptr ? nullptr : static_cast<LwsListener*>(protocol->user);
  auto* session = static_cast<LwsSession*>(user);
  if (listener == nullptr) return 0;
  auto& server = *static_cast<LwsServer*>(lws_context_user(lws_get_context(wsi)));
  const auto* bytes = static_cast<const char*>(in);
  switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return server.confirm_upgrade(*listener, wsi, bytes);
    case LWS_CALLBACK_ESTABLISHED:
      server.opened(*listener, *session, wsi);
      return 0;
    case LWS_CALLBACK_RECEIVE:
      return session->socket == nullptr ? -1 : server.received(*session->socket, bytes, length);
    case LWS_CALLBACK_RECEIVE_PONG:
      if (session->socket != nullptr) session->socket->awaiting_pong = false;
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return session->socket == nullptr ? -1 : server.writable(*session->socket);
    case LWS_CALLBACK_CLOSED:
      server.closed(*session);
      return 0;

    case LWS_CALLBACK_HTTP:
      return server.http_begin(*listener, *session, wsi);
    case LWS_CALLBACK_HTTP_BODY:
      return server.http_body(*listener, *session, bytes, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      return server.http_answer(*listener, *session, wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return server.http_write(*session, wsi);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
      if (session != nullptr) delete std::exchange(session->exchange, nullptr);
      return 0;
    default:
      return 0;
  }
}

bool LwsServer::has_room_for(lws* wsi, int accepted_fd) const noexcept {
  // The lowest free number is given first, so a high one says that those below are taken.
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  const auto listener =
      std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& l) { return l->vhost == lws_get_vhost(wsi); });
  const bool websocket = listener != listeners_.end() && (*listener)->config.websocket != nullptr;
  const rlim_t reserve = own_reserve + (websocket ? operator_reserve : 0);
  return static_cast<rlim_t>(accepted_fd) + reserve < limit.rlim_cur;
}

int LwsServer::confirm_upgrade(LwsListener& listener, lws* wsi, const char* wanted) {
  // A pure filter: 0, or -1 after the answer was written (there are advisories against other uses of this callback).
  const auto refused = [&](unsigned status, const char* text) {
    ++statistics_.upgrades_refused;
    return refuse(wsi, status, text);
  };
  if (strcasecmp(wanted, "websocket") != 0) return refused(HTTP_STATUS_BAD_REQUEST, "only WebSocket upgrades are served");
  if (request_header(wsi, WSI_TOKEN_VERSION) != "13") return refused(426, "WebSocket version 13 is required");
  if (listener.config.websocket == nullptr) return refused(HTTP_STATUS_NOT_FOUND, "no WebSocket here");
  if (shutting_down_) return refused(HTTP_STATUS_SERVICE_UNAVAILABLE, "shutting down");
  const auto& origins = listener.config.allowed_origins;
  if (!origins.empty() &&
      std::find(origins.begin(), origins.end(), request_header(wsi, WSI_TOKEN_ORIGIN)) == origins.end()) {
    return refused(HTTP_STATUS_FORBIDDEN, "origin not allowed");
  }
  const std::string ip = request_ip(wsi, listener.config.trust_proxy);
  const auto known = listener.sockets_by_ip.find(ip);
  if (!is_loopback_ip(ip) && known != listener.sockets_by_ip.end() && known->second >= listener.config.sockets_per_ip_max) {
    return refused(429, "too many connections");
  }
  const std::string offered = request_header(wsi, WSI_TOKEN_PROTOCOL);
  const std::size_t start = std::min(offered.find_first_not_of(" \t,"), offered.size());
  const std::string first = offered.substr(start, offered.find_first_of(" \t,", start) - start);
  if (first.size() > subprotocol_size_max) return refused(HTTP_STATUS_BAD_REQUEST, "subprotocol name too long");
  listener.offered_name.fill('\0');
  std::copy(first.begin(), first.end(), listener.offered_name.begin());
  if (first.empty()) listener.offered_name[0] = '\x01';
  return 0;
}

void LwsServer::opened(LwsListener& listener, LwsSession& session, lws* wsi) {
  auto* socket = new LwsSocket;  // released in closed(), which libwebsockets always calls after this
  session.socket = socket;
  socket->listener = &listener;
  socket->wsi = wsi;
  socket->id = next_id_++;
  socket->ip = request_ip(wsi, listener.config.trust_proxy);
  sockets_.emplace(socket->id, socket);
  ++listener.sockets_by_ip[socket->ip];
  ++statistics_.sockets_opened;
  ++statistics_.sockets_open;
  UpgradeRequest request;
  request.path = request_method_and_path(wsi).second;
  request.query = request_query(wsi);
  request.remote_ip = socket->ip;
  if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0) request.subprotocol = listener.offered_name.data();
  request.origin = request_header(wsi, WSI_TOKEN_ORIGIN);
  listener.config.websocket->on_open(socket->id, request);
}

int LwsServer::received(LwsSocket& socket, const char* data, std::size_t length) {
  if (socket.closing) return 0;  // what a client says after it was told to go is not heard
  if (socket.received.size() + length > socket.listener->config.message_bytes_max) {
    ++statistics_.messages_too_large;
    socket.received = {};
    std::string reason = "message too big";
    lws_close_reason(socket.wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, reinterpret_cast<unsigned char*>(reason.data()),
                     reason.size());
    return -1;
  }
  socket.received.append(data, length);
  if (lws_is_final_fragment(socket.wsi) == 0 || lws_remaining_packet_payload(socket.wsi) > 0) return 0;
  ++statistics_.messages_in;
  const std::string message = std::exchange(socket.received, {});
  socket.listener->config.websocket->on_message(socket.id, as_bytes(message));
  return 0;
}

int LwsServer::writable(LwsSocket& socket) {
  if (socket.ping_due) {
    socket.ping_due = false;
    // Not empty: libwebsockets reports a pong only when it carries something.
    std::array<unsigned char, LWS_PRE + 1> ping{};
    if (lws_write(socket.wsi, ping.data() + LWS_PRE, 1, LWS_WRITE_PING) < 0) return -1;
  }
  for (int written = 0; written < writes_per_turn && !socket.queue.empty() && lws_send_pipe_choked(socket.wsi) == 0;
       ++written) {
    const std::shared_ptr<const std::string> text = std::move(socket.queue.front());
    socket.queue.pop_front();
    socket.queue_bytes -= text->size();
    frame_.resize(LWS_PRE + text->size());
    std::memcpy(frame_.data() + LWS_PRE, text->data(), text->size());
    if (lws_write(socket.wsi, frame_.data() + LWS_PRE, text->size(), LWS_WRITE_TEXT) < 0) return -1;
    ++statistics_.messages_out;
  }
  if (!socket.queue.empty()) {
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

void LwsServer::closed(LwsSession& session) {
  const std::unique_ptr<LwsSocket> socket(std::exchange(session.socket, nullptr));
  if (socket == nullptr) return;
  sockets_.erase(socket->id);
  --statistics_.sockets_open;
  const auto count = socket->listener->sockets_by_ip.find(socket->ip);
  if (count != socket->listener->sockets_by_ip.end() && --count->second == 0) socket->listener->sockets_by_ip.erase(count);
  socket->listener->config.websocket->on_close(socket->id);
}

void LwsServer::heartbeat(const LwsListener& listener) {
  for (const auto& [id, socket] : sockets_) {
    if (socket->listener != &listener) continue;
    if (socket->awaiting_pong) {
      ++statistics_.heartbeats_missed;
      terminate(id);
      continue;
    }
    socket->awaiting_pong = true;
    socket->ping_due = true;
    lws_callback_on_writable(socket->wsi);
  }
}

void LwsServer::send(SocketId id, std::shared_ptr<const std::string> text) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second->closing) return;
  LwsSocket& socket = *found->second;
  socket.queue_bytes += text->size();
  if (socket.queue_bytes > socket.listener->config.send_queue_bytes_max) {
    // The reader does not keep up: it is let go rather than waited for, and its queue is not delivered.
    ++statistics_.slow_readers_closed;
    terminate(id);
    return;
  }
  socket.queue.push_back(std::move(text));
  lws_callback_on_writable(socket.wsi);
}

void LwsServer::close(SocketId id, std::uint16_t code, std::string_view reason) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end() || found->second->closing) return;
  found->second->closing.emplace(code, fit_close_reason(reason));
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

void LwsServer::reload_tls() {
  for (const auto& listener : listeners_) {
    const ListenerConfig& config = listener->config;
    if (!config.tls_cert.empty())
      lws_tls_cert_updated(context_, config.tls_cert.c_str(), config.tls_key.c_str(), nullptr, 0, nullptr, 0);
  }
}

}  // namespace sluice::loop
