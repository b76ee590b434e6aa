#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/error.hpp"
#include "sluice/json.hpp"

/// Parts of what the server answers, in the types that the public classes give.
namespace sluice::embedding {

/// The elements of a list; empty when there is none.
[[nodiscard]] inline std::vector<rooms::Json> list_in(const rooms::Json& answer, const char* name) {
  const auto found = answer.is_object() ? answer.find(name) : answer.end();
  if (!answer.is_object() || found == answer.end() || !found->is_array()) return {};
  return found->get<std::vector<rooms::Json>>();
}
[[nodiscard]] inline std::vector<std::string> texts_in(const rooms::Json& answer, const char* name) {
  std::vector<std::string> texts;
  for (const rooms::Json& one : list_in(answer, name))
    if (one.is_string()) texts.push_back(one.get<std::string>());
  return texts;
}
[[nodiscard]] inline std::int64_t number_in(const rooms::Json& answer, const char* name) {
  const auto found = answer.is_object() ? answer.find(name) : answer.end();
  return answer.is_object() && found != answer.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}
[[nodiscard]] inline bool flag_in(const rooms::Json& answer, const char* name) {
  const auto found = answer.is_object() ? answer.find(name) : answer.end();
  return answer.is_object() && found != answer.end() && found->is_boolean() && found->get<bool>();
}
/// A member that is there and not null.
[[nodiscard]] inline std::optional<rooms::Json> part_in(const rooms::Json& answer, const char* name) {
  const auto found = answer.is_object() ? answer.find(name) : answer.end();
  if (!answer.is_object() || found == answer.end() || found->is_null()) return std::nullopt;
  return *found;
}

/// Runs a call; false when the server says that what it is about is not there, or that it may not be done.
template <typename Call>
[[nodiscard]] bool done(Call&& call) {
  try {
    (void)call();
    return true;
  } catch (const rooms::Error& error) {
    if (error.code() == rooms::ErrorCode::not_found || error.code() == rooms::ErrorCode::refused) return false;
    throw;
  }
}

}  // namespace sluice::embedding
