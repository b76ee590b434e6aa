#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/policy/turn/turn_credentials.hpp"

namespace sluice {

inline constexpr std::string_view party_rooms_dialect_name = "partyRooms";

/// `dialects.partyRooms` with its defaults (contract partyroom).
struct PartyOptions {
  std::vector<std::string> parties = {"main"};       // names under /parties, case-sensitive
  TurnOptions turn;                                  // not usable(): clients are told of no server
  std::uint32_t turn_requests_per_minute_max = 120;  // of one address, loopback excepted; 0 = no limit
  std::string turn_token;                            // must be in the query (`token`) to get credentials; empty: need not
  std::vector<std::string> turn_origins;             // Origin values that get credentials; empty: all
  std::vector<std::string> allowed_origins;          // of WebSockets; empty: all

  /// Join metadata that carries a client's token (`token` in the query) to admission steps. Only keys that such a step
  /// removes again: members see each other's metadata.
  std::vector<std::string> token_metadata_keys;

  std::size_t room_bytes_max = 256;
  std::size_t id_bytes_max = 256;
  /// Messages of one client that wait for its admission; more end the connection.
  std::size_t held_messages_max = 256;
  std::size_t held_bytes_max = 2'097'152;
};

}  // namespace sluice
