#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/api/operations.hpp"

/// Short forms for the operations of this folder's features.
namespace sluice::app {

using OperationFailure = OperationError::Kind;

[[nodiscard]] inline auto operation_error(OperationFailure kind, std::string message) {
  return unexpected(OperationError{kind, std::move(message)});
}

/// An operation that answers at once.
template <typename Function>
[[nodiscard]] Operation::Handler answering(Function function) {
  return [function = std::move(function)](const nlohmann::json& params, const OperationCaller&,
                                          const OperationReply& reply) { reply(function(params)); };
}

/// A parameter of a checked type; `fallback` when it is not there or null.
template <typename T>
[[nodiscard]] T parameter(const nlohmann::json& params, const char* name, T fallback = {}) {
  const auto found = params.is_object() ? params.find(name) : params.end();
  return found == params.end() || found->is_null() ? std::move(fallback) : found->template get<T>();
}

/// A list of texts; nothing when there is anything else in it.
[[nodiscard]] inline std::optional<std::vector<std::string>> texts_parameter(const nlohmann::json& params,
                                                                             const char* name) {
  std::vector<std::string> texts;
  const auto found = params.find(name);
  if (found == params.end() || !found->is_array()) return std::nullopt;
  for (const nlohmann::json& element : *found) {
    if (!element.is_string()) return std::nullopt;
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

}  // namespace sluice::app
