#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// `dialects.protoo`.
struct ProtooConfig {
  bool enabled = true;
  std::optional<std::uint16_t> port;  // one of its own, beside the shared one; 0 = any free one
  bool replace_duplicates = false;    // else they are rejected
  std::vector<std::string> allowed_origins;
  std::string token;
  std::size_t max_message_bytes = 1048576;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] ProtooConfig read_protoo(const nlohmann::json& tree);

}  // namespace sluice::config
