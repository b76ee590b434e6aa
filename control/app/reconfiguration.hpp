#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/api/event_feed.hpp"
#include "control/config/config_manager.hpp"
#include "control/config/reloadable.hpp"
#include "control/config/server_config.hpp"

namespace sluice::app {

/// The configuration of the running server and its changes: by SIGHUP (the file was edited), or by `config.set`. What cannot
/// change while it runs is named in one warning.
class Reconfiguration {
 public:
  /// Takes over a whole new configuration; called with what may change only differing in that.
  using Apply = std::function<void(const config::ServerConfig&)>;

  /// The configuration with modules that were attached while the server ran (`attached`, by key), unless it has them itself.
  [[nodiscard]] static nlohmann::json with_modules(nlohmann::json tree, const nlohmann::json& attached);

  /// `events` outlives this; gets `config:changed {path, value, previous}`, secrets hidden.
  Reconfiguration(const config::ServerConfig& current, nlohmann::json attached, EventFeed& events, unsigned cpu_count,
                  Apply apply);

  [[nodiscard]] const config::ConfigManager& manager() const noexcept { return manager_; }
  /// What was set at start, as it stands now. Logs and keeps the old one when it cannot be used.
  void reload(nlohmann::json explicit_tree);
  /// A module that is attached while the server runs, with its options: part of the configuration from now on, also over a
  /// reload. Throws ConfigError and changes nothing when it cannot be used.
  void attach(const std::string& module, const nlohmann::json& options);
  /// Runtime values. Throw ConfigError and change nothing when it cannot be used. The paths that need a restart (of those
  /// that were set).
  std::vector<std::string> set(const std::string& path, const nlohmann::json& value);
  /// Nothing was set at run time: false.
  bool unset(const std::string& path);

 private:
  /// Resolves what there is now, and applies it.
  std::vector<std::string> take_over(bool warns = true);

  EventFeed& events_;
  unsigned cpu_count_;
  Apply apply_;
  config::ConfigManager manager_;
  nlohmann::json explicit_;                             // as it was applied last
  nlohmann::json attached_ = nlohmann::json::object();  // modules that were attached while it ran
  config::ConfigView applied_;
};

}  // namespace sluice::app
