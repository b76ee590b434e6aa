#include "control/observability/slo.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

std::vector<Slo> standard_slos() {
  using enum Slo::Comparison;
  return {{"join_success_rate", 0.995, at_least, AlertSeverity::critical},
          {"join_latency_p95_ms", 500, at_most, AlertSeverity::warning},
          {"reconnect_success_rate", 0.95, at_least, AlertSeverity::warning},
          {"heap_ratio", 0.85, at_most, AlertSeverity::warning}};
}

std::vector<Slo> slos_with(std::vector<Slo> custom) {
  std::vector<Slo> slos = standard_slos();
  for (Slo& slo : custom) {
    const auto same = std::find_if(slos.begin(), slos.end(), [&](const Slo& other) { return other.name == slo.name; });
    if (same == slos.end()) {
      slos.push_back(std::move(slo));
    } else {
      *same = std::move(slo);
    }
  }
  return slos;
}

}  // namespace sluice
