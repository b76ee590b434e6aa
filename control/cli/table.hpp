#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::cli {

/// A result for people: lists of objects as tables, objects as lines `name  value`, all else as JSON. Ends with a line end.
[[nodiscard]] std::string for_people(const nlohmann::json& result);

/// Text from clients as a terminal may show it: control characters become "?".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace sluice::cli
