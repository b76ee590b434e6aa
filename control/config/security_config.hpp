#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::config {

/// Where lasting state lies (`store`).
struct StoreConfig {
  bool on_disk = true;
  std::string path;  // folder; empty: a place that the supervisor chooses
};

/// Limits, threats, backpressure, audit, sessions, replay, retention, and the store that keeps them. A module's part is
/// there when its key attaches it (contract section 38).
struct SecurityConfig {
  StoreConfig store;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] SecurityConfig read_security(const nlohmann::json& tree);

}  // namespace sluice::config
