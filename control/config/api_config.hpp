#pragma once

#include <nlohmann/json.hpp>

namespace sluice::config {

/// Governance API, control socket, dashboard. A module's part is there when its key attaches it (contract section 38).
struct ApiConfig {};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] ApiConfig read_api(const nlohmann::json& tree);

}  // namespace sluice::config
