#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Mistakes of the person who configures, all that were found (contract section 38): what() is one sentence that says what
/// to do, or a heading and one line for each. Only start-up and a reload throw it.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(const std::string& sentence) : std::runtime_error(sentence), sentences_{sentence} {}
  /// At least one.
  explicit ConfigError(std::vector<std::string> sentences);

  [[nodiscard]] const std::vector<std::string>& sentences() const noexcept { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

/// What was set explicitly, before defaults: a nested JSON object by option path, merged flag over environment over file.
struct Explicit {
  nlohmann::json tree = nlohmann::json::object();
  std::vector<std::string> warnings;  // one line each, for the log
};

/// The value at "a.b.c", or nullptr.
[[nodiscard]] const nlohmann::json* value_at(const nlohmann::json& tree, std::string_view path);

/// Sets the value at "a.b.c"; what stands in its way and is no object is replaced.
void set_at(nlohmann::json& tree, std::string_view path, nlohmann::json value);

using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads a YAML (so also JSON) document. Unknown keys, wrong types, values out of range: ConfigError naming the path.
[[nodiscard]] nlohmann::json read_document(const std::string& text, const std::string& file_name,
                                           std::vector<std::string>& warnings);

/// One value as YAML, checked against its option. `origin` says where it stood ("--media.port", "SLUICE_MEDIA_PORT").
[[nodiscard]] nlohmann::json read_value(std::string_view option_path, const std::string& yaml, const std::string& origin);

/// One value as JSON, checked against its option, in the option's own type.
[[nodiscard]] nlohmann::json check_value(std::string_view option_path, const nlohmann::json& value,
                                         const std::string& origin);

/// Merges the three sources. `flags` are (path, YAML text) in the order of the command line; later ones win.
[[nodiscard]] Explicit merge_sources(const std::optional<std::string>& file, const Environment& environment,
                                     std::span<const std::pair<std::string, std::string>> flags);

}  // namespace sluice::config
