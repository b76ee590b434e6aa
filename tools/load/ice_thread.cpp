#include "tools/load/ice_thread.hpp"

#include <fcntl.h>
#include <gio/gio.h>
#include <nice/agent.h>
#include <sys/socket.h>

#include <atomic>
#include <stdexcept>

namespace sluice::load {

struct IceThread::Impl {
  GMainContext* context = g_main_context_new();
  GMainLoop* loop = g_main_loop_new(context, FALSE);
  NiceAddress local{};
  std::thread thread;
};

struct IceSession::Impl {
  NiceAgent* agent = nullptr;
  guint stream = 0;
  std::function<void(IceResult)> done;
  IceCredentials local;
  std::atomic<bool> told{false};

  void tell(IceResult result) {
    if (!told.exchange(true)) done(result);
  }
  /// A descriptor of our own for the nominated pair's socket, connected to the server.
  [[nodiscard]] IceResult take() const;
  static void on_state(NiceAgent*, guint stream, guint component, guint state, gpointer self);
};

namespace {

constexpr guint component = 1;  // RTP and RTCP share it

SocketAddress from_nice(const NiceAddress& address) {
  std::array<gchar, NICE_ADDRESS_STRING_LEN> text{};
  nice_address_to_string(&address, text.data());
  return SocketAddress::parse(text.data(), static_cast<std::uint16_t>(nice_address_get_port(&address)))
      .value_or(SocketAddress{});
}

/// No data is expected through the agent: the peer sends nothing before its DTLS begins.
void ignore_data(NiceAgent*, guint, guint, guint, gchar*, gpointer) {}

}  // namespace

IceResult IceSession::Impl::take() const {
  NiceCandidate* ours = nullptr;
  NiceCandidate* theirs = nullptr;
  GSocket* const socket = nice_agent_get_selected_socket(agent, stream, component);
  if (socket == nullptr || nice_agent_get_selected_pair(agent, stream, component, &ours, &theirs) == FALSE) return {};
  union {
    sockaddr any;
    sockaddr_storage storage;
  } address{};
  nice_address_copy_to_sockaddr(&theirs->addr, &address.any);
  const socklen_t size = address.any.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  const int taken = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
  if (taken < 0 || connect(taken, &address.any, size) != 0) return {};
  return {taken, from_nice(theirs->addr), local};
}

void IceSession::Impl::on_state(NiceAgent*, guint, guint, guint state, gpointer self) {
  auto& session = *static_cast<Impl*>(self);
  if (state == NICE_COMPONENT_STATE_READY) session.tell(session.take());
  if (state == NICE_COMPONENT_STATE_FAILED) session.tell({});
}

IceSession::IceSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IceSession::~IceSession() {
  g_signal_handlers_disconnect_by_data(impl_->agent, impl_.get());
  nice_agent_remove_stream(impl_->agent, impl_->stream);
  g_object_unref(impl_->agent);
}

bool IceSession::set_remote(const IceCredentials& remote, const std::vector<std::string>& candidates) {
  if (nice_agent_set_remote_credentials(impl_->agent, impl_->stream, remote.ufrag.c_str(), remote.pwd.c_str()) == FALSE)
    return false;
  GSList* list = nullptr;
  for (const std::string& candidate : candidates) {
    const std::string line = "a=candidate:" + candidate;
    NiceCandidate* const parsed = nice_agent_parse_remote_candidate_sdp(impl_->agent, impl_->stream, line.c_str());
    if (parsed != nullptr) list = g_slist_append(list, parsed);
  }
  const int accepted = nice_agent_set_remote_candidates(impl_->agent, impl_->stream, component, list);
  g_slist_free_full(list, reinterpret_cast<GDestroyNotify>(nice_candidate_free));
  return accepted > 0;
}

IceThread::IceThread(const SocketAddress& local) : impl_(std::make_unique<Impl>()) {
  nice_address_init(&impl_->local);
  nice_address_set_from_string(&impl_->local, local.ip_to_string().c_str());
  impl_->thread = std::thread([loop = impl_->loop] { g_main_loop_run(loop); });
}

IceThread::~IceThread() {
  // From inside the loop: a quit before the thread has begun to run it would be forgotten.
  GSource* const quit = g_idle_source_new();
  const auto stop = [](gpointer loop) -> gboolean {
    g_main_loop_quit(static_cast<GMainLoop*>(loop));
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(quit, stop, impl_->loop, nullptr);
  g_source_attach(quit, impl_->context);
  g_source_unref(quit);
  impl_->thread.join();
  g_main_loop_unref(impl_->loop);
  g_main_context_unref(impl_->context);
}

std::unique_ptr<IceSession> IceThread::start(std::function<void(IceResult)> done) {
  auto impl = std::make_unique<IceSession::Impl>();
  IceSession::Impl& state = *impl;
  state.done = std::move(done);
  state.agent = nice_agent_new_full(impl_->context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_NONE);
  g_object_set(state.agent, "controlling-mode", TRUE, "upnp", FALSE, "ice-tcp", FALSE, nullptr);
  nice_agent_add_local_address(state.agent, &impl_->local);
  state.stream = nice_agent_add_stream(state.agent, 1);
  std::unique_ptr<IceSession> session(new IceSession(std::move(impl)));
  g_signal_connect(state.agent, "component-state-changed", G_CALLBACK(&IceSession::Impl::on_state), &state);
  nice_agent_attach_recv(state.agent, state.stream, component, impl_->context, ignore_data, nullptr);
  gchar* ufrag = nullptr;
  gchar* pwd = nullptr;
  if (nice_agent_gather_candidates(state.agent, state.stream) == FALSE ||
      nice_agent_get_local_credentials(state.agent, state.stream, &ufrag, &pwd) == FALSE)
    throw std::runtime_error("no UDP socket could be opened for a peer; check 'ulimit -n'");
  session->local_ = {ufrag, pwd};
  state.local = session->local_;
  g_free(ufrag);
  g_free(pwd);
  return session;
}

}  // namespace sluice::load
