#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/config/party_rooms_config.hpp"
#include "control/config/protoo_config.hpp"

namespace sluice::config {

/// The client protocols beside the native one. A module's part is there when its key attaches it (contract section 38).
struct DialectsConfig {
  std::vector<std::vector<std::string>> bridge{{"native", "whip"}};  // dialects that share rooms
  ProtooConfig protoo;
  PartyRoomsConfig party_rooms;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] DialectsConfig read_dialects(const nlohmann::json& tree);

}  // namespace sluice::config
