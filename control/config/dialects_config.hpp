#pragma once

#include <nlohmann/json.hpp>

namespace sluice::config {

/// The client protocols beside the native one. A module's part is there when its key attaches it (contract section 38).
struct DialectsConfig {};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] DialectsConfig read_dialects(const nlohmann::json& tree);

}  // namespace sluice::config
