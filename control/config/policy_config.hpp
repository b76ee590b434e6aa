#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

struct PolicyEngineConfig {
  std::string secret;
  std::string issuer = "webrtc-rooms";
  bool required = false;
  std::vector<std::string> default_caps{"subscribe", "data"};  // known capabilities
  std::string token_metadata_key = "policyToken";
  std::chrono::seconds token_ttl{3600};  // of tokens issued without a life of their own
};

struct TurnConfig {
  std::string secret;
  std::vector<std::string> urls;
  std::chrono::seconds ttl{86400};
};

struct ConsentFlowConfig {
  std::vector<std::string> required;  // known types
  bool all_party = false;
  std::string version = "v1";
  std::chrono::milliseconds timeout{30'000};
};

struct DataResidencyConfig {
  std::string local_region;
  std::vector<std::string> allowed_regions;
  bool enforce_room_region = true;
  bool enforce_peer_region = false;
  bool reject = true;  // violationAction
  std::string geo_lookup_url;
};

struct ModerationBusConfig {
  bool allow_self_unmute = true;
};

struct E2eKeyExchangeConfig {
  bool require_key_on_join = false;
  std::chrono::milliseconds announcement_timeout{10'000};
  std::vector<std::string> allowed_curves{"P-256", "X25519"};
};

/// Admission, capability and room tokens, TURN, consent, residency, moderation, end-to-end keys. A module's part is there
/// when its key attaches it (contract section 38).
struct PolicyConfig {
  std::optional<PolicyEngineConfig> policy_engine;
  std::string api_secret;  // turns on room tokens; empty: off
  std::string before_join_url;
  std::string hook_secret;  // signs calls of all hook URLs
  std::string on_threat_url;
  std::string on_expiry_url;
  std::string on_purge_url;
  std::optional<TurnConfig> turn;
  std::optional<ConsentFlowConfig> consent_flow;
  std::optional<DataResidencyConfig> data_residency;
  std::optional<ModerationBusConfig> moderation_bus;
  std::optional<E2eKeyExchangeConfig> e2e_key_exchange;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] PolicyConfig read_policy(const nlohmann::json& tree);

}  // namespace sluice::config
