#include "control/api/dashboard_live.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <vector>

#include "control/rooms/random_id.hpp"

namespace sluice {

std::string Tickets::issue(TimePoint now) {
  if (tickets_.size() == tickets_max) tickets_.pop_front();
  std::string ticket = random_token(entropy_);
  tickets_.emplace_back(ticket, now + lifetime);
  return ticket;
}

bool Tickets::redeem(std::string_view ticket, TimePoint now) {
  std::erase_if(tickets_, [now](const auto& entry) { return entry.second <= now; });
  // Every one is looked at, in the time of any other.
  auto found = tickets_.end();
  for (auto at = tickets_.begin(); at != tickets_.end(); ++at) {
    if (at->first.size() == ticket.size() && CRYPTO_memcmp(at->first.data(), ticket.data(), ticket.size()) == 0) found = at;
  }
  if (found == tickets_.end()) return false;
  tickets_.erase(found);
  return true;
}

struct DashboardLive::Client final : RpcSink {
  Client(DashboardLive& live, loop::SocketId socket, const std::string& ip)
      : owner(live), id(socket), session(live.services_, *this, {"dashboard", ip}) {}
  void write(std::string line) override { owner.web_.send(id, std::make_shared<const std::string>(std::move(line))); }
  [[nodiscard]] std::size_t queued_bytes() const override { return owner.web_.queued_bytes(id); }
  /// Its session is on the stack: the socket goes at the next chance.
  void close() override { closing = true; }

  DashboardLive& owner;
  loop::SocketId id;
  RpcSession session;
  bool closing = false;
};

DashboardLive::DashboardLive(loop::WebServer& web, RpcServices services, Tickets& tickets, std::function<TimePoint()> now)
    : web_(web), services_(services), tickets_(tickets), now_(std::move(now)) {
  services_.hooks = nullptr;
}
DashboardLive::~DashboardLive() = default;

loop::UpgradeDecision DashboardLive::upgrade(const loop::UpgradeRequest& request) {
  constexpr std::string_view prefix = "ticket.";
  bool named = false;
  bool proven = false;
  for (const std::string& offered : request.subprotocols) {
    named = named || offered == subprotocol;
    if (offered.starts_with(prefix))
      proven = proven || tickets_.redeem(std::string_view(offered).substr(prefix.size()), now_());
  }
  if (!named || !proven) return loop::UpgradeRefusal{401, "application/json", R"({"error":"Unauthorized"})", {}};
  loop::UpgradeAccept accept;
  accept.handler = this;
  accept.subprotocol = subprotocol;
  accept.send_queue_bytes_max = std::size_t{32} << 20U;
  return accept;
}

void DashboardLive::on_open(loop::SocketId id, const loop::UpgradeRequest& request) {
  clients_.emplace(id, std::make_unique<Client>(*this, id, request.remote_ip));
}

void DashboardLive::on_message(loop::SocketId id, Bytes message, MessageKind) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  found->second->session.receive(as_text(message));
  if (found->second->closing) web_.terminate(id);
}

void DashboardLive::on_close(loop::SocketId id) {
  clients_.erase(id);
}

void DashboardLive::drained() {
  std::vector<loop::SocketId> stuck;
  for (auto& [id, client] : clients_) {
    client->session.drained();
    if (client->closing) stuck.push_back(id);
  }
  for (const loop::SocketId id : stuck) web_.terminate(id);
}

}  // namespace sluice
