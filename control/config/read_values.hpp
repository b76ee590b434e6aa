#pragma once

#include <chrono>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/sources.hpp"

/// Reading what was set explicitly into plain structs. Types and ranges were checked against the options before.
namespace sluice::config {

/// Where one value may stand: a module's own option before that of the contract's tree.
using OptionPaths = std::initializer_list<std::string_view>;

/// The first of `paths` that is set, or nullptr.
[[nodiscard]] inline const nlohmann::json* first_set(const nlohmann::json& tree, OptionPaths paths) {
  for (const std::string_view path : paths) {
    if (const nlohmann::json* value = value_at(tree, path); value != nullptr && !value->is_null()) return value;
  }
  return nullptr;
}

/// `out` keeps its default where none of `paths` is set.
template <typename T>
void read(const nlohmann::json& tree, OptionPaths paths, T& out) {
  if (const nlohmann::json* value = first_set(tree, paths)) out = value->get<T>();
}

template <typename T>
void read(const nlohmann::json& tree, OptionPaths paths, std::optional<T>& out) {
  if (const nlohmann::json* value = first_set(tree, paths)) out = value->get<T>();
}

/// A text, or a list of texts (OptionType::text_list). One empty text is an empty list.
inline void read(const nlohmann::json& tree, OptionPaths paths, std::vector<std::string>& out) {
  const nlohmann::json* value = first_set(tree, paths);
  if (value == nullptr) return;
  if (!value->is_string()) {
    out = value->get<std::vector<std::string>>();
  } else {
    out.clear();
    if (!value->get_ref<const std::string&>().empty()) out.push_back(value->get<std::string>());
  }
}

/// A whole number in the unit of `out`.
template <typename Rep, typename Period>
void read(const nlohmann::json& tree, OptionPaths paths, std::chrono::duration<Rep, Period>& out) {
  if (const nlohmann::json* value = first_set(tree, paths)) out = std::chrono::duration<Rep, Period>(value->get<Rep>());
}

template <typename T>
void read(const nlohmann::json& tree, std::string_view path, T& out) {
  read(tree, OptionPaths{path}, out);
}

}  // namespace sluice::config
