#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice {

inline constexpr std::string_view protoo_dialect_name = "protoo";

/// `dialects.protoo` with its defaults (contract protoo).
struct ProtooOptions {
  /// What happens to a connection whose peer id is in the room already.
  enum class Duplicate : std::uint8_t {
    reject,   // it is closed, unless the one that is there does not answer a ping
    replace,  // the one that is there is closed
  };
  Duplicate duplicate_peer = Duplicate::reject;
  std::vector<std::string> allowed_origins;  // empty: any
  std::string token;                         // clients must show it in the URL or as bearer; empty: none needed
  /// Join metadata that carries a client's token to admission steps, for instance `token` and `policyToken`. Only keys that
  /// such a step removes again: members see each other's metadata.
  std::vector<std::string> token_metadata_keys;
  /// Anybody may close a room. Otherwise only peers to whom admission gave the capability or role `admin` or `owner`.
  bool anybody_closes_rooms = true;

  std::size_t id_bytes_max = 256;  // of peer and room ids
  Duration probe_patience = std::chrono::seconds(2);
  Duration room_closing_delay = std::chrono::milliseconds(50);
  /// Messages of one client that wait for its probe or its admission; more end the connection.
  std::size_t held_messages_max = 256;
  std::size_t held_bytes_max = 2'097'152;
  std::size_t pending_max = 256;  // requests of ours that wait for one client
};

}  // namespace sluice
