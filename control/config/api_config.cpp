#include "control/config/api_config.hpp"

#include <charconv>

#include "control/config/option.hpp"
#include "control/config/read_values.hpp"
#include "shm/types/address.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

GovernanceConfig read_governance(const json& tree) {
  GovernanceConfig config;
  config.enabled = attached(tree, "governance");
  read(tree, "governance.host", config.host);
  read(tree, "governance.port", config.port);
  config.port_was_set = value_at(tree, "governance.port") != nullptr;
  read(tree, "governance.prefix", config.prefix);
  read(tree, "adminApi.adminSecret", config.secret);
  read(tree, "governance.adminSecret", config.secret);
  if (!SocketAddress::parse(config.host, 0) && config.host != "localhost")
    throw ConfigError("'governance.host' must be a numeric IP address, such as 127.0.0.1.");
  if (config.enabled && config.secret.empty() && !is_loopback(config.host)) {
    throw ConfigError("'governance.host' " + config.host +
                      " is reachable from outside; set 'governance.adminSecret' as well, or leave the host at 127.0.0.1.");
  }
  return config;
}

ControlSocketConfig read_control(const json& tree) {
  ControlSocketConfig config;
  read(tree, "controlEnabled", config.enabled);
  read(tree, "control.socket", config.path);
  read(tree, "control.group", config.group);
  read(tree, "control.allowedUids", config.allowed_uids);
  read(tree, "control.requiredHooks", config.required_hooks);
  config.mode = !config.allowed_uids.empty() ? 0666U : !config.group.empty() ? 0660U : 0600U;
  std::string mode;
  read(tree, "control.mode", mode);
  if (!mode.empty()) {
    const auto [end, error] = std::from_chars(mode.data(), mode.data() + mode.size(), config.mode, 8);
    if (error != std::errc() || end != mode.data() + mode.size() || config.mode > 0777)
      throw ConfigError("'control.mode' must be the rights of a file in octal, such as 0660.");
  }
  constexpr std::size_t path_max = 107;  // sockaddr_un
  if (config.path.size() > path_max)
    throw ConfigError("'control.socket' is longer than the path of a Unix socket may be (107 bytes).");
  return config;
}

}  // namespace

ApiConfig read_api(const json& tree) {
  ApiConfig config;
  config.governance = read_governance(tree);
  config.control = read_control(tree);
  read(tree, "dashboardEnabled", config.dashboard);
  read(tree, "dashboard.enabled", config.dashboard);
  return config;
}

}  // namespace sluice::config
