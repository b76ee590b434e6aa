#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// A TURN server and the secrets shared with it.
struct PartyTurnConfig {
  std::vector<std::string> urls;
  std::vector<std::string> secrets;  // the first signs
  std::chrono::seconds ttl{86400};
};

/// `dialects.partyRooms`.
struct PartyRoomsConfig {
  bool enabled = true;
  std::optional<std::uint16_t> port;  // one of its own, beside the shared one; 0 = any free one
  std::vector<std::string> parties{"main"};
  PartyTurnConfig turn;  // its own, else `signaling.turn`
  std::uint32_t turn_requests_per_minute = 120;
  std::string turn_token;
  std::vector<std::string> turn_origins;
  std::vector<std::string> allowed_origins;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] PartyRoomsConfig read_party_rooms(const nlohmann::json& tree);

}  // namespace sluice::config
