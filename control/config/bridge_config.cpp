#include "control/config/bridge_config.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "control/config/sources.hpp"

namespace sluice::config {
namespace {

/// As in control/signaling/room_names, which this module cannot see.
constexpr std::array<std::string_view, 6> dialects{"native", "protoo", "rtcio", "wrtcSignal", "partyRooms", "whip"};

[[noreturn]] void refuse(const std::string& why) {
  throw ConfigError("'dialects.bridge' " + why + "; it is a list of lists such as [[native, whip], [rtcio, protoo]].");
}

}  // namespace

std::vector<std::vector<std::string>> read_bridge(const nlohmann::json& tree) {
  const nlohmann::json* value = value_at(tree, "dialects.bridge");
  if (value == nullptr || value->is_null()) return {{"native", "whip"}};
  if (!value->is_array()) refuse("is no list");
  std::vector<std::vector<std::string>> groups;
  std::set<std::string> known;
  for (const nlohmann::json& group : *value) {
    if (!group.is_array()) refuse("has an entry that is no list");
    groups.emplace_back();
    for (const nlohmann::json& entry : group) {
      const std::string name = entry.is_string() ? entry.get<std::string>() : entry.dump();
      if (std::find(dialects.begin(), dialects.end(), name) == dialects.end()) refuse("names '" + name + "', no dialect");
      if (!known.insert(name).second) refuse("names '" + name + "' twice");
      groups.back().push_back(name);
    }
  }
  return groups;
}

}  // namespace sluice::config
