#include "control/api/control_socket.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace sluice {

struct ControlSocket::Client final : RpcSink {
  Client(ControlSocket& socket, loop::LocalId local_id, OperationCaller caller)
      : owner(socket),
        id(local_id),
        reader(socket.options_.line_bytes_max),
        session(socket.services_, *this, std::move(caller), socket.options_.limits) {}

  void write(std::string line) override {
    line += '\n';
    owner.server_.send(id, std::move(line));
  }
  [[nodiscard]] std::size_t queued_bytes() const override { return owner.server_.queued_bytes(id); }
  void close() override {
    // Its session is on the stack: it goes at the next turn, by on_close.
    closing = true;
    owner.server_.close(id, false);
  }

  ControlSocket& owner;
  loop::LocalId id;
  LineReader reader;
  RpcSession session;
  bool closing = false;
};

namespace {

/// ApiAccessed::status of a connection that was not let in.
constexpr int refused_status = 403;

OperationCaller caller_of(const loop::LocalPeer& peer) {
  return {"control-socket",
          "uid " + std::to_string(peer.uid) + " gid " + std::to_string(peer.gid) + " pid " + std::to_string(peer.pid)};
}

/// Whoever called listen(): the supervisor.
std::uint32_t owner_of(int listener) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(listener, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid : 0;
}

}  // namespace

ControlSocket::ControlSocket(loop::EventLoop& loop, int listener, RpcServices services, Options options)
    : services_(services), options_(std::move(options)), owner_(owner_of(listener)), server_(loop, listener, *this, {}) {}
ControlSocket::~ControlSocket() = default;

bool ControlSocket::on_open(loop::LocalId id, const loop::LocalPeer& peer) {
  // Clients that were closed from inside their own session.
  std::erase_if(clients_, [](const auto& entry) { return entry.second->closing; });
  const std::vector<std::uint32_t>& allowed = options_.allowed_uids;
  const bool may = allowed.empty() || peer.uid == 0 || peer.uid == owner_ ||
                   std::find(allowed.begin(), allowed.end(), peer.uid) != allowed.end();
  if (!may) {
    ++statistics_.refused;
    if (services_.observer) services_.observer(caller_of(peer), "connect", refused_status);
    return false;
  }
  ++statistics_.accepted;
  clients_.emplace(id, std::make_unique<Client>(*this, id, caller_of(peer)));
  return true;
}

void ControlSocket::on_bytes(loop::LocalId id, Bytes bytes) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  Client& client = *found->second;
  client.reader.feed(bytes);
  while (const auto line = client.reader.next()) {
    if (line->too_long) {
      client.session.receive_too_long();
    } else {
      client.session.receive(line->text);
    }
    if (client.closing) break;
  }
  if (client.closing) clients_.erase(id);
}

void ControlSocket::on_drained(loop::LocalId id) {
  if (const auto found = clients_.find(id); found != clients_.end()) found->second->session.drained();
}

void ControlSocket::on_close(loop::LocalId id) {
  clients_.erase(id);
}

}  // namespace sluice
