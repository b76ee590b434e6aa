#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/metadata.hpp"
#include "shm/types/result.hpp"

/// Room tokens (contract section 13): compact JSON Web Tokens (RFC 7519) by HS256 and nothing else. Pure: time comes in.
namespace sluice {

inline constexpr std::string_view room_token_issuer = "webrtc-rooms";
inline constexpr std::size_t room_token_secret_bytes_min = 32;

/// What a verified token says.
struct RoomClaims {
  std::optional<std::string> subject;
  std::optional<std::string> room;
  std::optional<bool> can_publish;    // `pub`
  std::optional<bool> can_subscribe;  // `sub_media`
  Metadata metadata;                  // `meta`; keys that begin with `__` are left out
};

/// What is wanted of a new token.
struct RoomTokenRequest {
  std::string room;     // required
  std::string subject;  // required
  bool can_publish = true;
  bool can_subscribe = true;
  Metadata metadata;                                      // strings, numbers, booleans and null only
  std::optional<std::int64_t> expires_in = 24 * 60 * 60;  // s; none: never
  std::optional<std::int64_t> not_before;                 // Unix seconds
};

/// The contract's forms of a duration: seconds as a number in text, or `30s`, `15m`, `1h`, `7d`. Nothing for others.
[[nodiscard]] std::optional<std::int64_t> parse_token_duration(std::string_view text);

/// Makes a token; the error is one sentence (no room or subject, nested metadata, a secret below 32 bytes).
[[nodiscard]] Result<std::string, std::string> issue_room_token(const RoomTokenRequest& request, std::string_view secret,
                                                                std::int64_t now_unix_s);

/// Reads a token that a client shows; the error says why it is not good. The signature is checked, always by HMAC-SHA-256
/// whatever the header claims, before anything is parsed.
[[nodiscard]] Result<RoomClaims, std::string> verify_room_token(std::string_view token, std::string_view secret,
                                                                std::int64_t now_unix_s);

}  // namespace sluice
