#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::config {

struct GovernanceConfig {
  bool enabled = true;
  std::string host = "127.0.0.1";
  std::uint16_t port = 4001;
  bool port_was_set = false;  // then not getting it is an error
  std::string secret;         // empty: none
  std::string prefix = "/admin";
};

struct ControlSocketConfig {
  bool enabled = true;
  std::string path;                         // empty: control.sock in the runtime folder
  std::uint32_t mode = 0600;                // of the socket
  std::string group;                        // empty: that of whoever starts the server
  std::vector<std::uint32_t> allowed_uids;  // empty: the mode decides
  std::vector<std::string> required_hooks;
};

/// Governance API, control socket, dashboard. A module's part is there when its key attaches it (contract section 38).
struct ApiConfig {
  GovernanceConfig governance;
  ControlSocketConfig control;
  bool dashboard = true;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] ApiConfig read_api(const nlohmann::json& tree);

}  // namespace sluice::config
