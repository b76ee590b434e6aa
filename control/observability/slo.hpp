#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/observability/facts.hpp"

namespace sluice {

/// A service level objective: a value that must stay on one side of a target.
struct Slo {
  enum class Comparison : std::uint8_t { at_least, at_most };
  std::string name;
  double target = 0;
  Comparison comparison = Comparison::at_least;
  AlertSeverity severity = AlertSeverity::warning;

  /// An unknown value passes.
  [[nodiscard]] bool met(const std::optional<double>& actual) const noexcept {
    if (!actual) return true;
    return comparison == Comparison::at_least ? *actual >= target : *actual <= target;
  }
};

/// The four of contract section 27.
[[nodiscard]] std::vector<Slo> standard_slos();

/// `standard_slos()` with `custom` added; one of the same name takes the standard one's place.
[[nodiscard]] std::vector<Slo> slos_with(std::vector<Slo> custom);

}  // namespace sluice
