#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::config {

/// `dialects.bridge`: lists of dialects that share rooms. Throws ConfigError unless it is a list of lists of dialect names
/// in which none occurs twice.
[[nodiscard]] std::vector<std::vector<std::string>> read_bridge(const nlohmann::json& tree);

}  // namespace sluice::config
