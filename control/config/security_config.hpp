#pragma once

#include <nlohmann/json.hpp>

namespace sluice::config {

/// Limits, threats, backpressure, audit, sessions, replay, retention, and the store that keeps them. A module's part is
/// there when its key attaches it (contract section 38).
struct SecurityConfig {};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] SecurityConfig read_security(const nlohmann::json& tree);

}  // namespace sluice::config
