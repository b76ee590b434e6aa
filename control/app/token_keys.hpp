#pragma once

#include <string>
#include <vector>

#include "control/config/server_config.hpp"

namespace sluice::app {

/// The join metadata under which admission looks for a client's token; none when nothing asks for one. The steps concerned
/// take it out again (contract webrtc-rooms, sections 12 and 13), so others never see it.
[[nodiscard]] inline std::vector<std::string> token_metadata_keys(const config::PolicyConfig& policy) {
  std::vector<std::string> keys;
  if (!policy.api_secret.empty()) keys.emplace_back("token");
  if (policy.policy_engine) keys.push_back(policy.policy_engine->token_metadata_key);
  return keys;
}

}  // namespace sluice::app
