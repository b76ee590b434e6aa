#pragma once

#include <nlohmann/json.hpp>

namespace sluice::config {

/// Admission, capability and room tokens, TURN, consent, residency, moderation, end-to-end keys. A module's part is there
/// when its key attaches it (contract section 38).
struct PolicyConfig {};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] PolicyConfig read_policy(const nlohmann::json& tree);

}  // namespace sluice::config
