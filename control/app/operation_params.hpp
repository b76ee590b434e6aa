#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

/// Reading the parameters of operations. Required ones are there in their type when a handler runs (Operations checks).
namespace sluice::app {

[[nodiscard]] inline std::string text_of(const nlohmann::json& params, std::string_view name) {
  const auto found = params.find(name);
  return found != params.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Nothing for one that is not there or not a text.
[[nodiscard]] inline std::optional<std::string> optional_text(const nlohmann::json& params, std::string_view name) {
  const auto found = params.find(name);
  if (found == params.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

[[nodiscard]] inline bool flag_of(const nlohmann::json& params, std::string_view name, bool fallback) {
  const auto found = params.find(name);
  return found != params.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

/// A count within 0 to `most`.
[[nodiscard]] inline std::size_t count_of(const nlohmann::json& params, std::string_view name, std::size_t fallback,
                                          std::size_t most = 100000) {
  const auto found = params.find(name);
  if (found == params.end() || !found->is_number_integer()) return fallback;
  const auto value = found->get<std::int64_t>();
  return value < 0 ? 0 : std::min(static_cast<std::size_t>(value), most);
}

}  // namespace sluice::app
