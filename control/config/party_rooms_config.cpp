#include "control/config/party_rooms_config.hpp"

#include <algorithm>

#include "control/config/read_values.hpp"

namespace sluice::config {
namespace {

/// `urls`, `secret` and `ttl` at three paths that name the same thing.
PartyTurnConfig read_turn_at(const nlohmann::json& tree, const std::string& urls, const std::string& secret,
                             const std::string& ttl) {
  PartyTurnConfig turn;
  read(tree, urls, turn.urls);
  read(tree, secret, turn.secrets);
  read(tree, ttl, turn.ttl);
  if (std::any_of(turn.secrets.begin(), turn.secrets.end(), [](const std::string& text) { return text.empty(); }))
    throw ConfigError("'" + secret + "' has an empty entry; each one must be a secret that the TURN server knows.");
  if (turn.urls.empty() != turn.secrets.empty()) {
    const std::string& missing = turn.urls.empty() ? urls : secret;
    throw ConfigError("'" + missing + "' is missing: credentials need both the URLs of a TURN server and its secret.");
  }
  for (const std::string& url : turn.urls) {
    const bool known =
        url.starts_with("turn:") || url.starts_with("turns:") || url.starts_with("stun:") || url.starts_with("stuns:");
    if (!known)
      throw ConfigError("'" + url + "' in '" + urls + "' is no URL of a TURN server, such as turn:turn.example.org:3478.");
  }
  return turn;
}

}  // namespace

PartyRoomsConfig read_party_rooms(const nlohmann::json& tree) {
  PartyRoomsConfig rooms;
  read(tree, "dialects.partyRooms.enabled", rooms.enabled);
  read(tree, "dialects.partyRooms.port", rooms.port);
  read(tree, "dialects.partyRooms.parties", rooms.parties);
  rooms.turn =
      read_turn_at(tree, "dialects.partyRooms.turnUrls", "dialects.partyRooms.turnSecret", "dialects.partyRooms.turnTtl");
  if (rooms.turn.urls.empty()) {
    const std::chrono::seconds ttl = rooms.turn.ttl;
    rooms.turn = read_turn_at(tree, "signaling.turn.urls", "signaling.turn.secret", "signaling.turn.ttl");
    if (value_at(tree, "dialects.partyRooms.turnTtl") != nullptr) rooms.turn.ttl = ttl;
  }
  read(tree, "dialects.partyRooms.turnRequestsPerMinute", rooms.turn_requests_per_minute);
  read(tree, "dialects.partyRooms.turnToken", rooms.turn_token);
  read(tree, "dialects.partyRooms.turnOrigins", rooms.turn_origins);
  read(tree, "dialects.partyRooms.allowedOrigins", rooms.allowed_origins);
  if (rooms.parties.empty()) throw ConfigError("'dialects.partyRooms.parties' is empty; name at least one, such as main.");
  return rooms;
}

}  // namespace sluice::config
