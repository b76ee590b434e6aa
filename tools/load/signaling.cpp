#include "tools/load/signaling.hpp"

#include <libwebsockets.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace sluice::load {

namespace {

constexpr std::size_t message_max = 4 * 1024 * 1024;  // the server sends at most 1 MiB
constexpr lws_usec_t microseconds = 1000;

}  // namespace

ServerUrl parse_url(const std::string& text) {
  const auto refuse = [&] {
    return std::invalid_argument("'" + text + "' is not a URL like ws://127.0.0.1:3000 or http://127.0.0.1:4000");
  };
  ServerUrl url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string::npos) throw refuse();
  const std::string scheme = text.substr(0, scheme_end);
  if (scheme != "ws" && scheme != "wss" && scheme != "http" && scheme != "https") throw refuse();
  url.tls = scheme == "wss" || scheme == "https";
  std::string rest = text.substr(scheme_end + 3);
  if (const std::size_t slash = rest.find('/'); slash != std::string::npos) {
    url.path = rest.substr(slash);
    rest.resize(slash);
  }
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
  url.port = url.tls ? 443 : 80;
  if (colon != std::string::npos) {
    const auto [end, error] = std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), url.port);
    if (error != std::errc() || end != rest.data() + rest.size() || url.port == 0) throw refuse();
    rest.resize(colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (rest.empty()) throw refuse();
  url.host = rest;
  return url;
}

namespace {
/// The timer first, so that its address is that of the whole.
struct Timer {
  lws_sorted_usec_list_t list;
  void (*fire)(void* impl);
  void* impl;
};
}  // namespace

struct Signaling::Impl {
  lws_context* context = nullptr;
  lws_vhost* vhost = nullptr;
  std::array<lws_protocols, 2> protocols{};
  std::unordered_map<Socket*, std::shared_ptr<Socket>> sockets;  // those that libwebsockets knows
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;  // under the mutex
  Timer timer{};
  unsigned tick_ms = 0;
  std::function<void()> tick;
};

struct SignalingCallbacks {
  static int write(Socket& socket, lws* wsi) {
    while (!socket.queue.empty()) {
      std::string& text = socket.queue.front();
      std::vector<unsigned char> buffer(LWS_PRE + text.size());
      std::memcpy(buffer.data() + LWS_PRE, text.data(), text.size());
      if (lws_write(wsi, buffer.data() + LWS_PRE, text.size(), LWS_WRITE_TEXT) < 0) return -1;
      socket.queue.pop_front();
      if (lws_send_pipe_choked(wsi) != 0) {
        lws_callback_on_writable(wsi);
        return 0;
      }
    }
    return socket.closing ? -1 : 0;
  }

  static void gone(Signaling& owner, Socket& socket, std::string_view why) {
    const auto found = owner.impl_->sockets.find(&socket);
    if (found == owner.impl_->sockets.end()) return;
    const std::shared_ptr<Socket> kept = found->second;
    owner.impl_->sockets.erase(found);
    socket.wsi = nullptr;
    if (SocketEvents* const events = std::exchange(socket.events, nullptr)) events->on_close(why);
  }

  static int call(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
    auto* const owner = static_cast<Signaling*>(lws_context_user(lws_get_context(wsi)));
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
      run_tasks(*owner);
      return 0;
    }
    auto* const socket = static_cast<Socket*>(lws_get_opaque_user_data(wsi));
    if (socket == nullptr || !owner->impl_->sockets.contains(socket)) return 0;
    const std::string_view bytes(static_cast<const char*>(in), in == nullptr ? 0 : size);
    switch (reason) {
      case LWS_CALLBACK_CLIENT_ESTABLISHED:
        socket->wsi = wsi;
        if (socket->events != nullptr) socket->events->on_open();
        if (!socket->queue.empty() || socket->closing) lws_callback_on_writable(wsi);
        return 0;
      case LWS_CALLBACK_CLIENT_RECEIVE:
        socket->received += bytes;
        if (socket->received.size() > message_max) return -1;
        if (lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0) {
          const std::string text = std::exchange(socket->received, {});
          if (socket->events != nullptr) socket->events->on_text(text);
        }
        return 0;
      case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write(*socket, wsi);
      case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        gone(*owner, *socket, bytes.empty() ? "the connection was refused" : bytes);
        return 0;
      case LWS_CALLBACK_CLIENT_CLOSED:
        gone(*owner, *socket, "the connection was closed");
        return 0;
      default:
        return 0;
    }
  }

  static void run_tasks(Signaling& owner) {
    std::vector<std::function<void()>> tasks;
    {
      const std::lock_guard lock(owner.impl_->mutex);
      tasks.swap(owner.impl_->tasks);
    }
    for (const auto& task : tasks) task();
  }

  static void on_timer(lws_sorted_usec_list_t* list) {
    const auto* const timer = reinterpret_cast<const Timer*>(list);
    timer->fire(timer->impl);
  }
  static void fire(void* raw) {
    auto& impl = *static_cast<Signaling::Impl*>(raw);
    arm(impl);
    if (impl.tick) impl.tick();
  }
  static void arm(Signaling::Impl& impl) {
    impl.timer.fire = &fire;
    impl.timer.impl = &impl;
    lws_sul_schedule(impl.context, 0, &impl.timer.list, &on_timer, impl.tick_ms * microseconds);
  }
  static void wake(lws* wsi) {
    if (wsi != nullptr) lws_callback_on_writable(wsi);
  }
};

Signaling::Signaling(ServerUrl server) : server_(std::move(server)), impl_(std::make_unique<Impl>()) {
  lws_set_log_level(0, nullptr);
  impl_->protocols[0].name = "sluice-load";
  impl_->protocols[0].callback = &SignalingCallbacks::call;
  impl_->protocols[0].rx_buffer_size = 65536;
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = impl_->protocols.data();
  info.user = this;
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
  info.pt_serv_buf_size = 65536;
  impl_->context = lws_create_context(&info);
  if (impl_->context == nullptr) throw std::runtime_error("libwebsockets could not start");
}

Signaling::~Signaling() {
  lws_sul_cancel(&impl_->timer.list);
  for (auto& [raw, socket] : impl_->sockets) socket->events = nullptr;
  lws_context_destroy(impl_->context);
}

std::shared_ptr<Socket> Signaling::connect(SocketEvents& events) {
  auto socket = std::make_shared<Socket>();
  socket->events = &events;
  socket->owner = this;
  impl_->sockets.emplace(socket.get(), socket);
  lws_client_connect_info info{};
  info.context = impl_->context;
  info.address = server_.host.c_str();
  info.port = server_.port;
  info.path = server_.path.c_str();
  info.host = server_.host.c_str();
  info.origin = server_.host.c_str();
  info.local_protocol_name = "sluice-load";
  info.opaque_user_data = socket.get();
  // A test server's certificate is its own; nothing secret is sent.
  if (server_.tls)
    info.ssl_connection = LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE |
                          LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
  // When this fails, the callback may or may not have been told.
  if (lws_client_connect_via_info(&info) == nullptr)
    post([this, socket] { SignalingCallbacks::gone(*this, *socket, "the connection was refused"); });
  return socket;
}

void Signaling::close(const std::shared_ptr<Socket>& socket) {
  if (socket == nullptr) return;
  socket->events = nullptr;
  socket->closing = true;
  SignalingCallbacks::wake(socket->wsi);
}

void Signaling::set_tick(unsigned milliseconds, std::function<void()> tick) {
  impl_->tick_ms = milliseconds;
  impl_->tick = std::move(tick);
  SignalingCallbacks::arm(*impl_);
}

void Signaling::turn() {
  lws_service(impl_->context, 0);
}

void Signaling::post(std::function<void()> task) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->tasks.push_back(std::move(task));
  }
  lws_cancel_service(impl_->context);
}

void Socket::send(std::string text) {
  queue.push_back(std::move(text));
  SignalingCallbacks::wake(wsi);
}

}  // namespace sluice::load
