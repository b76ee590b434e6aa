#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Where a TURN server is, and the secret shared with it.
struct TurnOptions {
  std::vector<std::string> urls;     // "turn:turn.example.org:3478?transport=udp", "stun:...", "turns:..."
  std::vector<std::string> secrets;  // the first signs; all of them are accepted, for rotation
  std::chrono::seconds ttl{86400};

  /// Whether clients can be told anything.
  [[nodiscard]] bool usable() const noexcept { return !urls.empty() && !secrets.empty(); }
};

/// Time-limited TURN credentials that a TURN server checks by itself (contract webrtc-rooms section 14, partyroom section 5;
/// draft-uberti-behave-turn-rest): what coturn calls `use-auth-secret`. The user name is `<expiry>:<user>`, the credential
/// base64(HMAC-SHA1(secret, user name)). Pure: time comes in as Unix seconds.
class TurnCredentials {
 public:
  /// `options` must be usable().
  explicit TurnCredentials(TurnOptions options);

  struct Credential {
    std::string username;
    std::string credential;  // standard base64 with padding
  };
  /// Good for the ttl from now on. `user` may be any text; coturn takes everything after the first colon.
  [[nodiscard]] Credential issue(std::string_view user, std::int64_t unix_seconds) const;

  struct Verdict {
    bool valid = false;               // authentic and not expired
    bool expired = false;             // authentic, but its time is over
    std::optional<std::string> user;  // of an authentic one
    friend bool operator==(const Verdict&, const Verdict&) = default;
  };
  /// Checks what issue() gave, under any of the secrets, in constant time. Expired when now >= expiry.
  [[nodiscard]] Verdict verify(std::string_view username, std::string_view credential, std::int64_t unix_seconds) const;

  enum class WithTtl : std::uint8_t { no, yes };
  /// A fresh credential as a JSON array of one RTCIceServer: `[{urls, username, credential, [ttl]}]`.
  [[nodiscard]] std::string ice_servers(std::string_view user, std::int64_t unix_seconds, WithTtl with_ttl) const;

 private:
  TurnOptions options_;
  std::string urls_json_;
};

}  // namespace sluice
