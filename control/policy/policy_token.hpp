#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/policy/capability.hpp"
#include "shm/types/result.hpp"

/// Policy tokens (contract section 12): `<body>.<signature>`, where body is the base64url of a JSON policy and signature the
/// base64url of its HMAC-SHA-256. Pure: time comes in.
namespace sluice {

/// What a token says of its bearer.
struct Policy {
  std::string issuer;
  std::string subject;
  std::string room = "*";  // "*": any
  std::string role = "viewer";
  CapabilitySet capabilities;
  std::int64_t expires_at = 0;  // Unix milliseconds
  std::optional<std::string> region;
  std::optional<std::size_t> max_peers;
  std::optional<std::string> tenant = {};  // whose customer the bearer is; beyond the contract
  friend bool operator==(const Policy&, const Policy&) = default;
};

/// The policy as JSON, its members in the contract's order.
[[nodiscard]] std::string policy_json(const Policy& policy);
/// The capabilities as a JSON array, in the order of Capability.
[[nodiscard]] std::string capabilities_json(CapabilitySet capabilities);

/// What is wanted of a new token.
struct PolicyRequest {
  std::string subject;  // required
  std::string room = "*";
  std::string role = "viewer";
  std::optional<std::vector<std::string>> capabilities;  // none: the defaults
  std::int64_t expires_in = 3'600'000;                   // ms, above 0
  std::optional<std::string> region;
  std::optional<std::size_t> max_peers;    // 1 or more
  std::optional<std::string> tenant = {};  // at most 256 bytes
};

struct PolicyTokenOptions {
  std::string secret;
  std::string issuer = "webrtc-rooms";
  CapabilitySet default_capabilities;  // of who asks for none
};

/// Makes a token; the error is one sentence: no subject, an unknown capability, a number out of range. `admin` is written as
/// all capabilities.
[[nodiscard]] Result<std::string, std::string> issue_policy_token(const PolicyRequest& request,
                                                                  const PolicyTokenOptions& options,
                                                                  std::int64_t now_unix_ms);

/// Reads a token that the bearer shows; the error is the contract's reason text. The signature is checked before anything is
/// parsed. Unknown capabilities of a genuine token are ignored.
[[nodiscard]] Result<Policy, std::string> verify_policy_token(std::string_view token, std::string_view secret,
                                                              std::int64_t now_unix_ms);

inline constexpr std::string_view token_missing = "Token is missing or not a string";

}  // namespace sluice
