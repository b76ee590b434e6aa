#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/reliability/backpressure_controller.hpp"
#include "control/reliability/cpu_probe.hpp"
#include "control/security/ban_list.hpp"
#include "control/security/security_guard.hpp"

namespace sluice::app {

/// Rate limits, threat detection and bans (contract sections 22 and 23), as far as they are attached; joins them into the
/// guard that dialects ask, and tells the backpressure controller who is not idle.
class ThreatFeature final : public Feature, public MessageGuard {
 public:
  explicit ThreatFeature(FeatureContext& context);
  /// Borrowed for life.
  void set_backpressure(BackpressureController& backpressure) { backpressure_ = &backpressure; }

  [[nodiscard]] std::optional<std::string> refuse_connection(std::string_view ip, TimePoint now) override;
  [[nodiscard]] GuardVerdict check(const PeerId& peer, const GuardedMessage& message, TimePoint now) override;
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void reload(const config::ServerConfig& config) override;
  [[nodiscard]] bool attach(std::string_view module) override;

 private:
  void make_detector();
  void make_limiter();
  void add_ban_operations(FeatureContext& context);
  void add_limit_operations(FeatureContext& context);
  void emit_events(FeatureContext& context);
  void collect(PrometheusText& out) const;

  FeatureContext& context_;
  TimePoint (*now_)();
  BackpressureController* backpressure_ = nullptr;
  std::unique_ptr<BanList> threat_bans_;
  std::unique_ptr<BanList> rate_bans_;
  std::unique_ptr<ThreatDetector> threats_;
  std::unique_ptr<RateLimiter> limiter_;
  SecurityGuard guard_{nullptr, nullptr};
  TimePoint next_sweep_;
  struct Counters {
    std::uint64_t connections_refused = 0;
    std::uint64_t messages_dropped = 0;
    std::uint64_t peers_ended = 0;
    std::uint64_t threats = 0;
  } counters_;
  std::vector<Bus::Subscription> subscriptions_;
};

/// Levels of load from real figures, and what follows from them (contract section 24).
class BackpressureFeature final : public Feature {
 public:
  explicit BackpressureFeature(FeatureContext& context);
  [[nodiscard]] BackpressureController& controller() noexcept { return *controller_; }
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override { return controller_->next_deadline(); }
  void reload(const config::ServerConfig& config) override;

 private:
  [[nodiscard]] LoadSample probe();
  void add_operations(FeatureContext& context);

  workers::Workers& workers_;
  TimePoint (*now_)();
  std::uint64_t memory_limit_;
  std::uint64_t memory_used_ = 0;
  std::uint64_t memory_max_ = 0;
  CpuProbe cpu_;
  // How late a timer of the loop comes, summed up since the last sample.
  std::unique_ptr<loop::EventLoop::Watch> metronome_;
  TimePoint expected_;
  double lag_ms_ = 0;
  std::uint32_t beats_ = 0;
  std::unique_ptr<BackpressureController> controller_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice::app
