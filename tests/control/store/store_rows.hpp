#pragma once

#include <map>
#include <string>
#include <string_view>

#include "control/store/store.hpp"

namespace sluice {

using Rows = std::map<std::string, std::string>;

/// All of one table.
inline Rows rows(const Store& store, std::string_view table) {
  Rows result;
  store.load(table, [&](std::string_view key, std::string_view value) { result.emplace(key, value); });
  return result;
}

}  // namespace sluice
