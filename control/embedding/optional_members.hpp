#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace sluice::embedding {

/// Adds a member to a tree of options if it was set.
template <typename Value>
void put(nlohmann::json& tree, const char* name, const std::optional<Value>& value) {
  if (value) tree[name] = *value;
}

}  // namespace sluice::embedding
