#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/observability/room_metrics.hpp"
#include "control/observability/slo.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct HealthMonitorOptions {
  std::vector<Slo> slos = standard_slos();
  Duration check_interval = std::chrono::seconds(15);
  /// What happened longer ago does not count.
  Duration window = std::chrono::minutes(15);
  std::string service_name = "webrtc-rooms";
};

/// Judges the server against objectives (contract section 27), over a sliding window. Publishes SloBreached once on entering
/// and SloRecovered once on leaving, HealthChecked at each interval.
///
/// Values by name: the four of the contract; `rooms`, `peers`; and whatever `values` knows.
class HealthMonitor {
 public:
  /// The value of an objective that the server knows under this name, now.
  using Values = std::function<std::optional<double>(std::string_view name)>;

  /// All borrowed for life. `values` also gives `heap_ratio`.
  HealthMonitor(Bus& bus, const RoomMetrics& metrics, Values values, HealthMonitorOptions options, TimePoint now);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return next_check_; }
  void set_options(HealthMonitorOptions options, TimePoint now);

  /// `report()` of the contract, judged now (without events).
  [[nodiscard]] nlohmann::json report(TimePoint now, std::int64_t unix_ms) const;
  [[nodiscard]] bool is_healthy(TimePoint now) const;

 private:
  struct Verdict {
    const Slo* slo;
    std::optional<double> actual;
    bool passing;
  };
  [[nodiscard]] std::vector<Verdict> judge(TimePoint now) const;
  [[nodiscard]] std::optional<double> value_of(std::string_view name, TimePoint now) const;
  /// What was counted within the window that ends now.
  [[nodiscard]] RoomMetrics::Totals within_window(TimePoint now) const;
  [[nodiscard]] static nlohmann::json checks_of(const std::vector<Verdict>& verdicts);

  Bus& bus_;
  const RoomMetrics& metrics_;
  Values values_;
  HealthMonitorOptions options_;
  TimePoint next_check_;
  std::deque<std::pair<TimePoint, RoomMetrics::Totals>> history_;  // oldest first; the first is the window's begin
  std::map<std::string, bool> breached_;                           // by objective
};

}  // namespace sluice
