#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/config/server_config.hpp"
#include "control/loop/web_server.hpp"

namespace sluice::app {

/// `dialects.NAME.port`: a listener on which every request, whatever its path, is one dialect's, so that the dialect's own
/// rules for its root hold there. The shared port serves it as well. Address, certificate, origins and limits are those of
/// the signaling port. Lives as long as the server.
class DialectPorts {
 public:
  /// Both borrowed for life.
  DialectPorts(loop::WebServer& web, const config::ServerConfig& config) : web_(web), config_(config) {}

  /// Opens it, if `port` is set (0: any free one), and logs where. Throws loop::ListenError.
  void open(const std::string& dialect, std::optional<std::uint16_t> port, loop::Route& route);

 private:
  struct Port;
  loop::WebServer& web_;
  const config::ServerConfig& config_;
  std::vector<std::shared_ptr<Port>> ports_;
};

}  // namespace sluice::app
