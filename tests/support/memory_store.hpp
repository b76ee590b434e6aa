#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "control/store/store.hpp"

namespace sluice::testing_support {

/// A store that is as lasting as the test: what a module left in it is what its successor loads.
class MemoryStore final : public Store {
 public:
  void put(std::string_view table, std::string_view key, std::string value) override {
    rows[std::string(table)].insert_or_assign(std::string(key), std::move(value));
  }
  void erase(std::string_view table, std::string_view key) override { rows[std::string(table)].erase(std::string(key)); }
  void flush(Flushed done) override { done(true); }
  void load(std::string_view table, const Visit& visit) const override {
    const auto found = rows.find(std::string(table));
    if (found == rows.end()) return;
    const auto copy = found->second;  // the visitor may erase
    for (const auto& [key, value] : copy) visit(key, value);
  }
  [[nodiscard]] StoreStatistics statistics() const override { return {}; }

  std::map<std::string, std::map<std::string, std::string>> rows;
};

}  // namespace sluice::testing_support
