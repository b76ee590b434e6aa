#include "control/store/state_log_store.hpp"

namespace sluice {
namespace {

std::string prefix(std::string_view table) {
  return "store/" + std::string(table) + "/";
}

}  // namespace

void StateLogStore::put(std::string_view table, std::string_view key, std::string value) {
  ++statistics_.puts;
  if (!log_.put(prefix(table).append(key), as_bytes(value))) ++statistics_.refused;
}

void StateLogStore::erase(std::string_view table, std::string_view key) {
  ++statistics_.erases;
  (void)log_.erase(prefix(table).append(key));
}

void StateLogStore::load(std::string_view table, const Visit& visit) const {
  const std::string start = prefix(table);
  log_.for_each(start, [&](std::string_view key, Bytes value) { visit(key.substr(start.size()), as_text(value)); });
}

StoreStatistics StateLogStore::statistics() const {
  StoreStatistics result = statistics_;
  if (result.refused > 0) {
    result.healthy = false;
    result.problem = "the state log was full: some changes would not survive a restart";
  }
  return result;
}

}  // namespace sluice
