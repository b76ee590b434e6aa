#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "control/config/server_config.hpp"
#include "control/config/sources.hpp"

namespace sluice::cli {

/// What `sluice serve` was asked to do.
struct ServeArguments {
  bool help = false;
  nlohmann::json explicit_tree = nlohmann::json::object();  // what was set, for the control process to resolve as well
  config::ServerConfig config;
  std::vector<std::string> warnings;
};

/// Reads the command line of `sluice serve` (without program and subcommand), the environment and the configuration file. A
/// leading `--` is dropped. Throws config::ConfigError.
[[nodiscard]] ServeArguments read_serve_arguments(std::span<const std::string> arguments,
                                                  const config::Environment& environment, unsigned cpu_count);

/// What `sluice serve --help` prints.
[[nodiscard]] std::string serve_help();

}  // namespace sluice::cli
