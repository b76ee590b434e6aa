#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/sources.hpp"

/// Reading what was set explicitly into plain structs. Types and ranges were checked against the options before.
namespace sluice::config {

template <typename T>
void read_into(const nlohmann::json& tree, std::string_view path, T& out) {
  if (const nlohmann::json* value = value_at(tree, path); value != nullptr && !value->is_null()) out = value->get<T>();
}

template <typename T>
void read_into(const nlohmann::json& tree, std::string_view path, std::optional<T>& out) {
  if (const nlohmann::json* value = value_at(tree, path); value != nullptr && !value->is_null()) out = value->get<T>();
}

/// A text, or a list of texts (OptionType::text_list). One empty text is an empty list.
inline void read_into(const nlohmann::json& tree, std::string_view path, std::vector<std::string>& out) {
  const nlohmann::json* value = value_at(tree, path);
  if (value == nullptr || value->is_null()) return;
  out.clear();
  if (!value->is_string()) {
    out = value->get<std::vector<std::string>>();
  } else if (!value->get<std::string>().empty()) {
    out.push_back(value->get<std::string>());
  }
}

}  // namespace sluice::config
