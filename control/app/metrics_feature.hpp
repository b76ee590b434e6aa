#pragma once

#include <memory>

#include "control/app/feature_context.hpp"
#include "control/observability/loop_lag.hpp"

namespace sluice::app {

/// MetricsCollector as far as the core's RoomMetrics does not do it by itself: its options, samples of memory, the loop's
/// lag, what the listeners count, operations `metrics.*`, the event `metrics`.
class MetricsFeature final : public Feature {
 public:
  explicit MetricsFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void reload(const config::ServerConfig& config) override;

  [[nodiscard]] const LoopLag& loop_lag() const noexcept { return lag_; }

 private:
  void take_options(const config::MetricsConfig& config);
  void write(PrometheusText& out) const;
  void add_operations();
  /// All of /metrics.
  [[nodiscard]] std::string text() const;

  FeatureContext& context_;
  LoopLag lag_;
  Duration flush_interval_{};
  TimePoint next_flush_;
};

}  // namespace sluice::app
