#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Whether a running server takes over a change of this option (SIGHUP, config.set); else a restart does.
[[nodiscard]] bool is_reloadable(std::string_view option_path) noexcept;

/// A configuration as ConfigManager shows it.
struct ConfigView {
  nlohmann::json effective;  // what is set
  nlohmann::json all;        // with defaults
};

/// The options whose values differ, by path. A module that is attached in one only counts as its key.
[[nodiscard]] std::vector<std::string> changed_options(const ConfigView& before, const ConfigView& after);

}  // namespace sluice::config
