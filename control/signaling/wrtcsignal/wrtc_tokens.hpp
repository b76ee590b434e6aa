#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// The tokens of contract wrtc-signal.md section 3: `head.payload.signature`, like a JWT but none: standard base64, and the
/// signature is the hex of HMAC-SHA256 over head and payload without the dot. The reference's tokens with the same secret
/// are taken, and the other way round.
class WrtcTokens {
 public:
  struct Claims {
    std::string app;
    std::optional<std::int64_t> expires;  // Unix seconds
    std::optional<std::string> socket;    // socket id
  };

  explicit WrtcTokens(std::string secret) : secret_(std::move(secret)) {}

  /// Always the same for the same app; never expires.
  [[nodiscard]] std::string app_token(std::string_view app) const;
  [[nodiscard]] std::string session_token(std::string_view app, std::int64_t expires, std::string_view socket) const;
  /// What a token claims, if its signature is ours and it names an app. The expiry is not looked at.
  [[nodiscard]] std::optional<Claims> verified(std::string_view token) const;
  /// Whether the token is a session token of this socket that has not expired.
  [[nodiscard]] bool is_session(std::string_view token, std::string_view socket, std::int64_t unix_now) const;

 private:
  [[nodiscard]] std::string signature(std::string_view head, std::string_view payload) const;
  [[nodiscard]] std::string sealed(std::string_view payload_json) const;
  std::string secret_;
};

}  // namespace sluice
