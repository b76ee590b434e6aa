#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/signaling/partyrooms/party_options.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// What is wrong with a URL, as HTTP says it.
struct PartyRefusal {
  int status = 404;
  std::string text = "Not found";
  friend bool operator==(const PartyRefusal&, const PartyRefusal&) = default;
};

/// A room by its URL (contract partyroom, section 1).
struct PartyUrl {
  std::string room;
  std::string id;          // `_pk`; empty: the client brings none
  bool turn = false;       // the segment after the room is `turn`
  std::string token = {};  // `token`; empty: none
  friend bool operator==(const PartyUrl&, const PartyUrl&) = default;
};

/// Whether the path is of the party rooms, known ones or not: its first segment is `parties` or `party`.
[[nodiscard]] bool is_party_path(std::string_view raw_path) noexcept;

/// Reads `/parties/<party>/<room>/...?_pk=<id>` or `/party/<room>/...`. `raw_path` is still percent-encoded.
[[nodiscard]] Result<PartyUrl, PartyRefusal> read_party_url(std::string_view raw_path, std::string_view query,
                                                            const PartyOptions& options);

}  // namespace sluice
