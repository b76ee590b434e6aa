#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/media_signaling.hpp"
#include "shm/types/result.hpp"

namespace sluice::whip {

/// What a client says by PATCH (RFC 8840 section 9, application/trickle-ice-sdpfrag). Candidates are counted and forgotten:
/// an ICE-lite server learns addresses from authenticated checks only.
struct SdpFragment {
  std::optional<std::string> ufrag;  // with pwd, or neither
  std::optional<std::string> pwd;
  std::size_t candidates = 0;
  bool end_of_candidates = false;
};

/// Reads a fragment; the error is a sentence for the client's author. Lines end with CRLF or LF. Attributes that are not
/// ours are skipped. The user fragment and password may stand at session level or in any m-section, and must be the same
/// wherever they stand: there is one transport.
[[nodiscard]] Result<SdpFragment, std::string> parse_fragment(std::string_view text);

/// Our side of an ICE session after a restart.
[[nodiscard]] std::string write_fragment(const MediaSignaling::IceSession& session);

}  // namespace sluice::whip
