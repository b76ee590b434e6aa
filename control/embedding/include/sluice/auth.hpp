#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>
#include <sluice/peer.hpp>

namespace sluice::rooms {

struct PolicyEngineOptions {
  std::string secret = {};  // required
  std::optional<std::string> issuer = {};
  std::optional<bool> required = {};
  std::optional<std::vector<std::string>> defaultCaps = {};
  std::optional<std::string> tokenMetadataKey = {};
};

/// What is wanted of a policy token.
struct PolicyTokenRequest {
  std::string sub = {};  // required
  std::string roomId = "*";
  std::string role = "viewer";
  std::optional<std::vector<std::string>> caps = {};  // none: defaultCaps
  std::int64_t expiresIn = 3600000;                   // ms
  std::optional<std::string> region = {};
  std::optional<std::uint32_t> maxPeers = {};
};

struct PolicyVerdict {
  bool valid = false;
  Json policy = nullptr;    // of a valid one: {iss, sub, roomId, role, caps, expiresAt, [region], [maxPeers]}
  std::string reason = {};  // of another
};

/// Capability tokens (contract section 12). Issuing and verifying need no server. Events: `policy:issued`,
/// `policy:verified`, `policy:violation`, `policy:changed`.
class SLUICE_API PolicyEngine : public Module {
 public:
  explicit PolicyEngine(PolicyEngineOptions options);
  /// Error: invalid_params (no subject, an unknown capability, a number out of range).
  [[nodiscard]] std::string issue(const PolicyTokenRequest& request) const;
  [[nodiscard]] PolicyVerdict verify(const std::string& token) const;
  [[nodiscard]] bool hasCap(const Peer& peer, const std::string& capability) const;
  [[nodiscard]] std::vector<std::string> getCaps(const Peer& peer) const;
  /// All that a member may from now on. Error: not_found, invalid_params.
  void setCaps(const Peer& peer, const std::vector<std::string>& caps) const;
  /// {required, issuer, defaultCaps}.
  [[nodiscard]] Json stats() const;

 private:
  PolicyEngineOptions settings_;
};

/// Room tokens, JSON Web Tokens (contract section 13); the server checks them when `apiSecret` is set. A builder:
/// `RoomToken(secret).forRoom("standup").forPeer("alice").expires("15m").toJWT()`.
class SLUICE_API RoomToken {
 public:
  /// At least 32 characters, else toJWT() throws.
  explicit RoomToken(std::string secret);
  RoomToken& forRoom(std::string roomId);
  RoomToken& forPeer(std::string peerId);
  RoomToken& canPublish(bool allowed = true);
  RoomToken& canSubscribe(bool allowed = true);
  /// An object of texts, numbers, booleans.
  RoomToken& withMetadata(Json metadata);
  /// Seconds, 0: never.
  RoomToken& expires(std::int64_t seconds);
  /// `30s`, `15m`, `1h`, `7d`. Error: invalid_params.
  RoomToken& expires(const std::string& duration);
  /// Unix seconds.
  RoomToken& notBefore(std::int64_t seconds);
  /// Error: invalid_params (no room or peer, nested metadata, a short secret).
  [[nodiscard]] std::string toJWT() const;

  struct Verdict {
    bool valid = false;
    std::string reason = {};  // of an invalid one
    std::optional<std::string> sub = {};
    std::optional<std::string> room = {};
    bool canPublish = false;
    bool canSubscribe = false;
    Json meta = Json::object();
  };
  [[nodiscard]] static Verdict verify(const std::string& token, const std::string& secret);

 private:
  std::string secret_;
  std::string room_;
  std::string peer_;
  bool can_publish_ = true;
  bool can_subscribe_ = true;
  Json metadata_ = Json::object();
  std::optional<std::int64_t> expires_in_ = 24 * 60 * 60;
  std::optional<std::int64_t> not_before_;
};

struct TurnCredentialsOptions {
  std::string secret = {};             // required; shared with the TURN server
  std::vector<std::string> urls = {};  // required
  std::int64_t ttl = 86400;            // s
};

/// Time-limited TURN credentials (contract section 14). Needs no server; `turn` of the server's options puts them into
/// `room:joined`.
class SLUICE_API TurnCredentials {
 public:
  /// Error: invalid_params without secret or URLs.
  explicit TurnCredentials(TurnCredentialsOptions options);
  /// {urls, username, credential, ttl}.
  [[nodiscard]] Json issue(const std::string& peerId) const;
  struct Verdict {
    bool valid = false;
    bool expired = false;
    std::optional<std::string> peerId = {};
  };
  [[nodiscard]] Verdict verify(const std::string& username, const std::string& credential) const;

 private:
  TurnCredentialsOptions options_;
};

}  // namespace sluice::rooms
