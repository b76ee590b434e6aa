#include "control/loop/lws_server.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "control/loop/request_target.hpp"

namespace sluice::loop {

namespace {

/// What libwebsockets hands to the kernel in one go; the rest it copies and sends when there is room.
constexpr std::size_t bytes_per_write = 262144;
/// Requests whose headers are held: while they arrive, and until they are answered unless that takes long. Each costs about
/// 12 KiB, when there is one.
constexpr unsigned header_tables_max = 8192;

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

LwsServer::LwsServer(EventLoop& loop)
    : loop_(loop),
      accept_pause_(loop),
      end_of_turn_(loop.after_io([this] { flush(); })),
      next_turn_(loop.timer([] {})),
      heart_(loop.timer([this] { beat(); })),
      exchange_timer_(loop.timer([this] { look_after_exchanges(); })) {
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
  info.max_http_header_pool2 = header_tables_max;
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
  ending_ = true;
  // Whoever holds a reply finds out that its client is gone.
  const auto exchanges = std::exchange(exchanges_, {});
  for (const auto& [id, exchange] : exchanges) exchange->aborter();
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
    entry.tx_packet_size = bytes_per_write;
    entry.user = listener.get();
    return entry;
  };
  listener->protocols = {protocol("http"), protocol(listener->protocol_name.data()), lws_protocols{}};
  // An empty name would match nothing; the entry takes its name in confirm_upgrade.
  listener->protocol_name[0] = '\x01';

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
  listeners_.push_back(std::move(listener));
  return static_cast<std::uint16_t>(lws_get_vhost_listen_port(opened.vhost));
}

int LwsServer::callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t length) {
  auto& server = *static_cast<LwsServer*>(lws_context_user(lws_get_context(wsi)));
  switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:  // of the listening socket; not 0: the connection is closed
      return server.may_enter(wsi, static_cast<int>(reinterpret_cast<std::intptr_t>(in))) ? 0 : 1;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
      forget_request_target(lws_get_socket_fd(wsi));  // of an earlier connection with this number
      server.entered(wsi);
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      left(wsi);
      return 0;
    default:
      break;
  }
  const lws_protocols* protocol = lws_get_protocol(wsi);
  auto* listener = protocol == nullptr ? nullptr : static_cast<LwsListener*>(protocol->user);
  auto* session = static_cast<LwsSession*>(user);
  if (listener == nullptr) return 0;
  const auto* bytes = static_cast<const char*>(in);
  switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return server.confirm_upgrade(*listener, wsi, bytes);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
      // Between the choice by name and the answer that says it.
      if (!listener->grant) return 1;
      listener->protocol_name.fill('\0');
      listener->grant->accept.subprotocol.copy(listener->protocol_name.data(), subprotocol_size_max);
      return 0;
    case LWS_CALLBACK_ESTABLISHED:
      if (!listener->grant) return -1;
      server.opened(*listener, *session, wsi);
      return 0;
    case LWS_CALLBACK_RECEIVE:
      return session->socket == nullptr ? -1 : server.received(*session->socket, bytes, length);
    case LWS_CALLBACK_RECEIVE_PONG:
      if (session->socket != nullptr) server.ponged(*session->socket);
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return session->socket == nullptr ? -1 : server.writable(*session->socket);
    case LWS_CALLBACK_CLOSED:
      server.closed(*session);
      return 0;

    case LWS_CALLBACK_HTTP:
      return server.http_begin(*listener, *session, wsi);
    case LWS_CALLBACK_HTTP_BODY:
      return server.http_body(*session, bytes, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      return session->exchange == nullptr ? -1 : server.http_complete(*session->exchange);
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return session->exchange == nullptr ? 0 : server.http_write(*session->exchange);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
      if (session != nullptr) server.http_ended(*session);
      return 0;
    default:
      return 0;
  }
}

LwsListener* LwsServer::listener_of(lws_vhost* vhost) const noexcept {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(), [&](const auto& l) { return l->vhost == vhost; });
  return found == listeners_.end() ? nullptr : found->get();
}

bool LwsServer::may_enter(lws* wsi, int accepted_fd) {
  const LwsListener* listener = listener_of(lws_get_vhost(wsi));
  // The lowest free number is given first, so a high one says that those below are taken.
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const bool websocket = listener != nullptr && listener->config.websocket != nullptr;
    const rlim_t reserve = own_reserve + (websocket ? operator_reserve : 0);
    if (static_cast<rlim_t>(accepted_fd) + reserve >= limit.rlim_cur) {
      ++statistics_.connections_refused;
      return false;
    }
  }
  // Behind a proxy everybody has the proxy's address; its clients are counted when they upgrade.
  if (listener == nullptr || listener->config.trust_proxy) return true;
  const std::string ip = socket_ip(accepted_fd);
  const auto known = listener->connections_by_ip.find(ip);
  if (is_exempt_ip(listener->config, ip) || known == listener->connections_by_ip.end() ||
      known->second.connections < listener->config.sockets_per_ip_max) {
    return true;
  }
  ++statistics_.over_ip_limit;
  return false;
}

void LwsServer::entered(lws* wsi) {
  LwsListener* listener = listener_of(lws_get_vhost(wsi));
  if (listener == nullptr || listener->config.trust_proxy) return;
  const std::string ip = socket_ip(lws_get_socket_fd(wsi));
  if (is_exempt_ip(listener->config, ip)) return;
  LwsAddress& address = listener->connections_by_ip[ip];
  address.ip = ip;
  ++address.connections;
  lws_set_opaque_user_data(wsi, &address);  // nodes of an unordered_map stay where they are
}

void LwsServer::left(lws* wsi) {
  auto* address = static_cast<LwsAddress*>(lws_get_opaque_user_data(wsi));
  if (address == nullptr || --address->connections > 0) return;
  auto& server = *static_cast<LwsServer*>(lws_context_user(lws_get_context(wsi)));
  if (LwsListener* listener = server.listener_of(lws_get_vhost(wsi)); listener != nullptr)
    listener->connections_by_ip.erase(std::string(address->ip));
}

void LwsServer::reload_tls() {
  for (const auto& listener : listeners_) {
    const ListenerConfig& config = listener->config;
    if (!config.tls_cert.empty())
      lws_tls_cert_updated(context_, config.tls_cert.c_str(), config.tls_key.c_str(), nullptr, 0, nullptr, 0);
  }
}

}  // namespace sluice::loop
