#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace sluice::config {

/// `number` has a fraction and no range unless min < max; `json` is any YAML value, judged by the module that it is for.
enum class OptionType : std::uint8_t { boolean, integer, text, text_list, integer_list, number, json };

/// One option that an operator can set: by file, by environment, by flag.
struct Option {
  std::string_view path;  // "signaling.reconnectTtl"
  OptionType type;
  std::string_view fallback;  // the default, as it would be written in YAML; empty = none
  std::string_view text;      // one line for people
  std::int64_t min = 0;       // integers and numbers only
  std::int64_t max = 0;
  std::string_view choices = {};  // text only: allowed values separated by '|'; empty = any
};

/// Every option of this version, ordered by path.
[[nodiscard]] std::span<const Option> all_options() noexcept;

/// The option at `path`, or nullptr.
[[nodiscard]] const Option* find_option(std::string_view path) noexcept;

enum class ModuleStatus : std::uint8_t {
  available,  // its options stand in all_options()
  inert,      // contract key of a module that this version does not have yet: accepted with a warning
};

/// A top-level key of the configuration document (contract section 38, and DESIGN's media, workers, control, dialects).
struct Module {
  std::string_view key;
  ModuleStatus status;
};
[[nodiscard]] std::span<const Module> all_modules() noexcept;

/// Whether a module is attached: its key is there and not `false`, or it is one of those that are on by default.
[[nodiscard]] bool attached(const nlohmann::json& explicit_tree, std::string_view module_key);

/// The environment variable of an option: dots to underscores, upper case, nothing else split.
[[nodiscard]] std::string environment_name(std::string_view path);

/// The whole table as Markdown, as docs/configuration.md shows it.
[[nodiscard]] std::string options_as_markdown();

}  // namespace sluice::config
