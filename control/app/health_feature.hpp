#pragma once

#include <functional>
#include <memory>

#include "control/app/feature_context.hpp"
#include "control/observability/health_monitor.hpp"
#include "control/observability/loop_lag.hpp"

namespace sluice::app {

/// HealthMonitor (contract section 27) with the values that it judges, operations `health.*`, events `slo:*` and
/// `health:check`.
class HealthFeature final : public Feature {
 public:
  /// `lag` must outlive this.
  HealthFeature(FeatureContext& context, const LoopLag& lag);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void reload(const config::ServerConfig& config) override;
  [[nodiscard]] bool attach(std::string_view module) override;

 private:
  void put_into_place();
  [[nodiscard]] std::optional<double> value_of(std::string_view name) const;
  void emit_events();
  void add_operations();

  FeatureContext& context_;
  const LoopLag& lag_;
  std::unique_ptr<HealthMonitor> monitor_;  // null: not attached
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
