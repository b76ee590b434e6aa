#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/kind.hpp"
#include "shm/types/result.hpp"

namespace sluice::whip {

/// What a session is for: WHIP sends to us, WHEP receives from us.
enum class Role : std::uint8_t { publish, play };

/// Why a request is not served: an HTTP status and a sentence for the client's author.
struct Failure {
  int status = 400;
  std::string message;
};

/// One m-line of an offer.
struct OfferedLine {
  MediaKind kind = MediaKind::audio;
  std::string mid;
  std::string track;              // of a=msid; may be empty
  std::vector<std::string> rids;  // of simulcast, in the order of a=simulcast; empty: none
};

/// An offer as the media side is to see it.
struct PreparedOffer {
  std::string sdp;  // with the one direction that the role has
  std::vector<OfferedLine> lines;
};

/// Checks an offer by what RFC 9725 section 4.4 (and the WHEP draft likewise) allows: sound and picture, at most one m-line
/// of each, sending (WHIP) or receiving (WHEP). `sendrecv` is taken for that, as it is for a server that answers `recvonly`.
/// Failures: 400 malformed, 413 too long, 422 not what the role is for.
[[nodiscard]] Result<PreparedOffer, Failure> prepare_offer(Role role, std::string_view text);

/// Nothing, or why the answer leaves out an m-line of the offer: a session is had whole or not at all (RFC 9725
/// section 4.4.3).
[[nodiscard]] Result<void, Failure> check_answer(std::string_view answer);

}  // namespace sluice::whip
