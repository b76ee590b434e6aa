#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sluice::config {

/// The configuration of a running server as one tree (contract section 38, ConfigManager): what was set at run time over
/// what file, environment and flags said, over the defaults.
class ConfigManager {
 public:
  /// `config:changed`. `value` and `previous` are null when nothing is (was) set.
  struct Change {
    std::string path;
    nlohmann::json value;
    nlohmann::json previous;
  };
  using Listener = std::function<void(const Change&)>;

  /// `explicit_tree`: what was set at start.
  explicit ConfigManager(nlohmann::json explicit_tree, Listener listener = {});

  /// The value of an option or the object of a section, with defaults; `fallback` when there is none.
  [[nodiscard]] nlohmann::json get(std::string_view path, nlohmann::json fallback = {}) const;
  /// Everything, with defaults.
  [[nodiscard]] nlohmann::json all() const;
  /// Sets one option at run time. Throws ConfigError naming the path: unknown option, wrong type, out of range.
  void set(std::string_view path, const nlohmann::json& value);
  /// Takes back what set() set. False when there was nothing.
  bool unset(std::string_view path);
  /// Another explicit tree, after a reload; what was set at run time stays.
  void reload(nlohmann::json explicit_tree) { explicit_ = std::move(explicit_tree); }
  /// What is set, without defaults: input of resolve().
  [[nodiscard]] nlohmann::json effective() const;

 private:
  nlohmann::json explicit_;
  nlohmann::json runtime_ = nlohmann::json::object();
  Listener listener_;
};

/// Whether an option holds something that is not to be shown (secrets).
[[nodiscard]] bool is_secret(std::string_view path);
/// `value` (at `path`) with secrets replaced by "***", in all depths.
[[nodiscard]] nlohmann::json redacted(const nlohmann::json& value, const std::string& path = {});

}  // namespace sluice::config
