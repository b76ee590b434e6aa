#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Whether a running server takes over a change of this option (SIGHUP, config.set); else a restart does.
[[nodiscard]] bool is_reloadable(std::string_view option_path) noexcept;

/// The options whose values differ between two whole trees (ConfigManager::all()), by path. A module that is attached in one
/// only counts as its key.
[[nodiscard]] std::vector<std::string> changed_options(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace sluice::config
