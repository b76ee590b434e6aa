#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

/// What the watching modules found out, as facts on the bus.
namespace sluice {

enum class AlertSeverity : std::uint8_t { info, warning, critical };
[[nodiscard]] constexpr std::string_view to_string(AlertSeverity severity) noexcept {
  switch (severity) {
    case AlertSeverity::info:
      return "info";
    case AlertSeverity::warning:
      return "warning";
    case AlertSeverity::critical:
      break;
  }
  return "critical";
}
/// Nothing for any other text.
[[nodiscard]] constexpr std::optional<AlertSeverity> alert_severity_of(std::string_view text) noexcept {
  for (const auto severity : {AlertSeverity::info, AlertSeverity::warning, AlertSeverity::critical}) {
    if (text == to_string(severity)) return severity;
  }
  return std::nullopt;
}

/// An objective is no longer met. Once on entering (contract section 27).
struct SloBreached {
  std::string slo;
  double actual = 0;
  double target = 0;
  AlertSeverity severity = AlertSeverity::warning;
};
/// It is met again.
struct SloRecovered {
  std::string slo;
  std::optional<double> actual;
  double target = 0;
};
/// All objectives were judged; `checks` as in the report.
struct HealthChecked {
  nlohmann::json checks;
};

/// A part of the server cannot do all of its work (its disk is full, a receiver takes nothing), or can do it again. Calls go
/// on either way.
struct PartTroubled {
  std::string part;     // "store", "audit", "audit.http", "audit.syslog"
  std::string problem;  // one sentence; empty: all is well again
  AlertSeverity severity = AlertSeverity::critical;
};

/// A module wants somebody to know; AlertManager decides whether and how. What fluctuates belongs in `context` only if it is
/// not part of `key`.
struct AlertRaised {
  std::string event;  // "threat:signal_flood"
  AlertSeverity severity = AlertSeverity::warning;
  std::string message;
  nlohmann::json context = nlohmann::json::object();
  /// What makes two of them the same for suppression; none: the context.
  std::optional<std::string> key = std::nullopt;
  bool recovered = false;
};

}  // namespace sluice
