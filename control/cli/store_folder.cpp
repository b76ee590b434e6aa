#include "control/cli/store_folder.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "control/supervisor/runtime_folder.hpp"

namespace sluice::cli {
namespace {

/// A folder that a variable names by its whole path.
std::filesystem::path named(const config::Environment& environment, const char* variable) {
  const std::optional<std::string> value = environment(variable);
  return value && value->starts_with('/') ? std::filesystem::path(*value) : std::filesystem::path();
}

/// The user's own folder for state (XDG base directories).
std::filesystem::path state_home(const config::Environment& environment) {
  if (const auto state = named(environment, "XDG_STATE_HOME"); !state.empty()) return state;
  const auto home = named(environment, "HOME");
  return home.empty() ? home : home / ".local" / "state";
}

}  // namespace

std::filesystem::path default_store_folder(std::uint16_t media_port, const config::Environment& environment, bool is_root,
                                           const std::filesystem::path& runtime_folder) {
  if (const std::string given = named(environment, "STATE_DIRECTORY"); !given.empty()) {
    return std::filesystem::path(given.substr(0, given.find(':'))) / "store";  // several are separated by colons
  }
  const std::filesystem::path parent = is_root ? std::filesystem::path("/var/lib") : state_home(environment);
  std::error_code ignored;
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  const auto place = supervisor::first_usable_folder({parent.empty() ? parent : parent / "sluice", runtime_folder});
  return place ? *place / ("store-" + std::to_string(media_port)) : std::filesystem::path();
}

}  // namespace sluice::cli
