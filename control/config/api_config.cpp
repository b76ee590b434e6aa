#include "control/config/api_config.hpp"

#include <charconv>

#include "control/config/option.hpp"
#include "control/config/sources.hpp"
#include "shm/types/address.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

template <typename T>
void take(const json& tree, std::string_view path, T& into) {
  if (const json* value = value_at(tree, path)) into = value->get<T>();
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

GovernanceConfig read_governance(const json& tree) {
  GovernanceConfig config;
  config.enabled = attached(tree, "governance");
  take(tree, "governance.host", config.host);
  take(tree, "governance.port", config.port);
  config.port_was_set = value_at(tree, "governance.port") != nullptr;
  take(tree, "governance.prefix", config.prefix);
  take(tree, "adminApi.adminSecret", config.secret);
  take(tree, "governance.adminSecret", config.secret);
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
  take(tree, "controlEnabled", config.enabled);
  take(tree, "control.socket", config.path);
  take(tree, "control.group", config.group);
  take(tree, "control.allowedUids", config.allowed_uids);
  take(tree, "control.requiredHooks", config.required_hooks);
  config.mode = !config.allowed_uids.empty() ? 0666U : !config.group.empty() ? 0660U : 0600U;
  std::string mode;
  take(tree, "control.mode", mode);
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
  take(tree, "dashboardEnabled", config.dashboard);
  take(tree, "dashboard.enabled", config.dashboard);
  return config;
}

}  // namespace sluice::config
