#pragma once

#include <nlohmann/json.hpp>

namespace sluice::config {

/// Metrics, health, traces, alerts, webhooks, adaptive bitrate. A module's part is there when its key attaches it (contract
/// section 38).
struct ObservabilityConfig {};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] ObservabilityConfig read_observability(const nlohmann::json& tree);

}  // namespace sluice::config
