#include "control/config/policy_config.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "control/config/option.hpp"
#include "control/config/read_values.hpp"

namespace sluice::config {
namespace {

using nlohmann::json;

template <std::size_t Size>
void check_names(const std::vector<std::string>& names, const std::array<std::string_view, Size>& known, const char* path) {
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string all;
    for (const std::string_view one : known) all += (all.empty() ? "" : ", ") + std::string(one);
    throw ConfigError("'" + name + "' in '" + path + "' is not one of " + all + ".");
  }
}

void check_url(const std::string& url, const char* path) {
  if (url.empty() || url.starts_with("http://") || url.starts_with("https://")) return;
  throw ConfigError(std::string("'") + path + "' must be a URL that begins with http:// or https://.");
}

std::optional<PolicyEngineConfig> read_policy_engine(const json& tree) {
  bool enforce = false;
  read(tree, "security.enforceRoomPolicies", enforce);
  if (!attached(tree, "policyEngine") && !enforce) return std::nullopt;
  PolicyEngineConfig config;
  config.required = enforce;
  read(tree, {"policyEngine.secret", "security.jwtSecret"}, config.secret);
  read(tree, "policyEngine.issuer", config.issuer);
  read(tree, "policyEngine.required", config.required);
  read(tree, "policyEngine.tokenMetadataKey", config.token_metadata_key);
  read(tree, "policyEngine.defaultCaps", config.default_caps);
  read(tree, "security.roomPolicyTtl", config.token_ttl);
  if (config.secret.empty()) {
    throw ConfigError("'policyEngine' needs a 'secret', the key by which policy tokens are signed.");
  }
  if (config.token_metadata_key.empty() || config.token_metadata_key.starts_with("__")) {
    throw ConfigError(
        "'policyEngine.tokenMetadataKey' must be a key that clients can set: not empty, and not beginning with __.");
  }
  constexpr std::array<std::string_view, 7> capabilities{"publish",  "subscribe", "kick", "record",
                                                         "moderate", "data",      "admin"};
  check_names(config.default_caps, capabilities, "policyEngine.defaultCaps");
  return config;
}

std::optional<TurnConfig> read_turn(const json& tree) {
  TurnConfig turn;
  read(tree, "signaling.turn.secret", turn.secret);
  read(tree, "signaling.turn.urls", turn.urls);
  read(tree, "signaling.turn.ttl", turn.ttl);
  if (turn.secret.empty() && turn.urls.empty()) return std::nullopt;
  if (turn.secret.empty() || turn.urls.empty()) throw ConfigError("'signaling.turn' needs both 'secret' and 'urls'.");
  return turn;
}

std::optional<ConsentFlowConfig> read_consent(const json& tree) {
  if (!attached(tree, "consentFlow")) return std::nullopt;
  ConsentFlowConfig config;
  read(tree, "consentFlow.required", config.required);
  read(tree, "consentFlow.allParty", config.all_party);
  read(tree, "consentFlow.consentVersion", config.version);
  read(tree, "consentFlow.consentTimeoutMs", config.timeout);
  constexpr std::array<std::string_view, 4> types{"recording", "processing", "sharing", "analytics"};
  check_names(config.required, types, "consentFlow.required");
  return config;
}

std::optional<DataResidencyConfig> read_residency(const json& tree) {
  std::string tree_region;
  read(tree, "compliance.residencyRegion", tree_region);
  if (!attached(tree, "dataResidency") && tree_region.empty()) return std::nullopt;
  DataResidencyConfig config;
  read(tree, {"dataResidency.localRegion", "compliance.residencyRegion"}, config.local_region);
  read(tree, "dataResidency.allowedRegions", config.allowed_regions);
  read(tree, "dataResidency.enforceRoomRegion", config.enforce_room_region);
  read(tree, "dataResidency.enforcePeerRegion", config.enforce_peer_region);
  read(tree, "dataResidency.geoLookupUrl", config.geo_lookup_url);
  std::string action = "reject";
  read(tree, "dataResidency.violationAction", action);
  config.reject = action == "reject";
  if (config.local_region.empty()) throw ConfigError("'dataResidency' needs a 'localRegion'.");
  check_url(config.geo_lookup_url, "dataResidency.geoLookupUrl");
  return config;
}

std::optional<E2eKeyExchangeConfig> read_e2e(const json& tree) {
  if (!attached(tree, "e2eKeyExchange")) return std::nullopt;
  E2eKeyExchangeConfig config;
  read(tree, "e2eKeyExchange.requireKeyOnJoin", config.require_key_on_join);
  read(tree, "e2eKeyExchange.keyAnnouncementTimeoutMs", config.announcement_timeout);
  read(tree, "e2eKeyExchange.allowedCurves", config.allowed_curves);
  return config;
}

}  // namespace

PolicyConfig read_policy(const json& tree) {
  PolicyConfig config;
  config.policy_engine = read_policy_engine(tree);
  read(tree, {"signaling.apiSecret", "security.jwtSecret"}, config.api_secret);
  read(tree, "signaling.beforeJoinUrl", config.before_join_url);
  check_url(config.before_join_url, "signaling.beforeJoinUrl");
  read(tree, "signaling.hookSecret", config.hook_secret);
  read(tree, "threatDetector.onThreatUrl", config.on_threat_url);
  check_url(config.on_threat_url, "threatDetector.onThreatUrl");
  read(tree, "retentionPolicy.onExpiryUrl", config.on_expiry_url);
  check_url(config.on_expiry_url, "retentionPolicy.onExpiryUrl");
  read(tree, "retentionPolicy.onPurgeUrl", config.on_purge_url);
  check_url(config.on_purge_url, "retentionPolicy.onPurgeUrl");
  config.turn = read_turn(tree);
  config.consent_flow = read_consent(tree);
  config.data_residency = read_residency(tree);
  if (attached(tree, "moderationBus")) {
    config.moderation_bus.emplace();
    read(tree, "moderationBus.allowSelfUnmute", config.moderation_bus->allow_self_unmute);
  }
  config.e2e_key_exchange = read_e2e(tree);
  return config;
}

}  // namespace sluice::config
