#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice {

struct WhipOptions {
  /// How long the media of a session may take to come up after the answer.
  Duration connect_limit = std::chrono::seconds(30);
  std::size_t sessions_max = 10000;
  std::size_t offer_bytes_max = 512 * 1024;
  std::size_t fragment_bytes_max = 64 * 1024;
  std::uint32_t patches_per_minute_max = 120;     // of one session
  std::uint32_t joins_per_second_max = 20;        // of one address; loopback is exempt
  std::vector<std::string> allowed_origins = {};  // of web pages; empty: all
  /// Join metadata that carries the bearer token to admission steps. Only keys that such a step removes again: members see
  /// each other's metadata.
  std::vector<std::string> token_metadata_keys = {};
};

}  // namespace sluice
