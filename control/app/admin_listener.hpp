#pragma once

#include <cstdint>

#include "control/api/admin_api.hpp"
#include "control/bus/bus.hpp"
#include "control/config/server_config.hpp"
#include "control/loop/route.hpp"
#include "control/loop/web_server.hpp"

namespace sluice::app {

/// The admin API on its port: everything there that no other route claims, answered when the answer is there (a security
/// action waits for the audit log).
class AdminListener final : private loop::Route {
 public:
  /// Listens. All are borrowed for its life; `routes` gets it as its last one. Throws loop::ListenError.
  AdminListener(const Operations& operations, HttpApi::WriteMetrics write_metrics, const config::AdminApiConfig& config,
                Bus& bus, loop::Routes& routes, loop::WebServer& web);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  [[nodiscard]] bool claims(const loop::RequestHead&) const override { return true; }
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override { api_.handle(request, reply); }

  AdminApi api_;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::app
