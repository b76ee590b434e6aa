#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "control/api/operations.hpp"

/// Short forms for those who write operations.
namespace sluice {

[[nodiscard]] inline auto invalid_params(std::string message) {
  return unexpected(OperationError{OperationError::Kind::invalid_params, std::move(message)});
}
[[nodiscard]] inline auto not_found(std::string message) {
  return unexpected(OperationError{OperationError::Kind::not_found, std::move(message)});
}
[[nodiscard]] inline auto refused(std::string message) {
  return unexpected(OperationError{OperationError::Kind::refused, std::move(message)});
}
[[nodiscard]] inline auto unavailable(std::string message) {
  return unexpected(OperationError{OperationError::Kind::unavailable, std::move(message)});
}

/// A parameter that is there and not null, or nullptr.
[[nodiscard]] inline const nlohmann::json* given(const nlohmann::json& params, const char* name) {
  const auto found = params.find(name);
  return found == params.end() || found->is_null() ? nullptr : &*found;
}

/// A text parameter, whose type was checked already.
[[nodiscard]] inline std::optional<std::string> text_of(const nlohmann::json& params, const char* name) {
  const nlohmann::json* value = given(params, name);
  return value == nullptr || !value->is_string() ? std::nullopt : std::optional(value->get<std::string>());
}

/// An operation that answers at once.
template <typename Function>
[[nodiscard]] Operation::Handler at_once(Function function) {
  return [function = std::move(function)](const nlohmann::json& params, const OperationCaller&,
                                          const OperationReply& reply) { reply(function(params)); };
}

}  // namespace sluice
