#include "control/observability/troubles.hpp"

#include <utility>

namespace sluice {

Troubles::Troubles(Bus& bus, std::function<std::int64_t()> unix_ms)
    : unix_ms_(std::move(unix_ms)), troubled_(bus.subscribe<PartTroubled>([this](const PartTroubled& fact) {
        if (fact.problem.empty()) {
          parts_.erase(fact.part);
          return;
        }
        const auto known = parts_.find(fact.part);
        if (known == parts_.end() && parts_.size() >= parts_max) return;
        const std::int64_t since = known == parts_.end() ? unix_ms_() : known->second.since;
        parts_[fact.part] = {fact.problem, fact.severity, since};
      })) {}

nlohmann::json Troubles::to_json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [part, trouble] : parts_) {
    list.push_back(
        {{"part", part}, {"problem", trouble.problem}, {"severity", to_string(trouble.severity)}, {"since", trouble.since}});
  }
  return list;
}

}  // namespace sluice
