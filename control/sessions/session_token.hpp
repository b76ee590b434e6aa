#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/ids.hpp"

namespace sluice {

/// A session token (contract section 10): `<peerId>.<ts>.<sig>`.
struct SessionToken {
  PeerId peer;
  std::int64_t issued_at = 0;  // Unix milliseconds; `ts` is that in base 36, lower case
};

/// `sig` = base64url without padding of HMAC-SHA-256 over `<peerId>.<ts>` under `secret`. `issued_at` is not negative.
[[nodiscard]] std::string make_session_token(std::string_view secret, const SessionToken& token);

/// What the token says, if its signature fits (compared in constant time). Bounded: texts over 512 bytes are no tokens.
[[nodiscard]] std::optional<SessionToken> verify_session_token(std::string_view secret, std::string_view text);

}  // namespace sluice
