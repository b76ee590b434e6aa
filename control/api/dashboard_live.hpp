#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "control/api/rpc_session.hpp"
#include "control/loop/route.hpp"
#include "control/loop/web_server.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

/// Single-use, short-lived proofs that somebody showed the secret: a WebSocket cannot carry a bearer, and a token in an URL
/// ends in logs.
class Tickets {
 public:
  static constexpr Duration lifetime = std::chrono::seconds(15);
  static constexpr std::size_t tickets_max = 64;  // more make the oldest void

  explicit Tickets(Entropy& entropy) : entropy_(entropy) {}
  [[nodiscard]] std::string issue(TimePoint now);
  /// True once for each ticket, within its lifetime.
  [[nodiscard]] bool redeem(std::string_view ticket, TimePoint now);

 private:
  Entropy& entropy_;
  std::deque<std::pair<std::string, TimePoint>> tickets_;  // with their end, oldest first
};

/// The dashboard's live connection: JSON-RPC over a WebSocket, as over the control socket but without hooks. The ticket
/// comes as a subprotocol ("ticket.XYZ" beside "sluice.dashboard"); the upgrade is refused without a good one.
class DashboardLive final : public loop::WebSocketHandler {
 public:
  static constexpr std::string_view subprotocol = "sluice.dashboard";

  /// All borrowed for life.
  DashboardLive(loop::WebServer& web, RpcServices services, Tickets& tickets, std::function<TimePoint()> now);
  ~DashboardLive() override;

  [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request);
  void on_open(loop::SocketId id, const loop::UpgradeRequest& request) override;
  void on_message(loop::SocketId id, Bytes message, MessageKind kind) override;
  void on_close(loop::SocketId id) override;
  /// What waits for slow readers may have become less. About once a second.
  void drained();

 private:
  struct Client;
  loop::WebServer& web_;
  RpcServices services_;
  Tickets& tickets_;
  std::function<TimePoint()> now_;
  std::map<loop::SocketId, std::unique_ptr<Client>> clients_;
};

}  // namespace sluice
