#pragma once

#include <map>
#include <memory>

#include "control/app/feature_context.hpp"
#include "control/observability/alert_manager.hpp"

namespace sluice::app {

/// AlertManager (contract section 29) with its channels and sources, operations `alerts.*`, the event `alert`. What other
/// modules emit as `threat` and `load:*` becomes alerts here; so does a worker that stalls or is replaced.
class AlertFeature final : public Feature {
 public:
  explicit AlertFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override { return manager_ ? next_look_ : never; }
  void reload(const config::ServerConfig& config) override;
  [[nodiscard]] bool attach(std::string_view module) override;

 private:
  struct WorkerState {
    std::uint32_t pid = 0;
    bool stalled = false;
  };
  void put_into_place();
  /// A channel of type custom without a URL is answered over the control socket.
  void ask_handler(const nlohmann::json& alert);
  void listen_to_events();
  void trouble(const PartTroubled& fact);
  void threat(const nlohmann::json& data);
  void load(std::string_view level, const nlohmann::json& data);
  void look_at_workers(TimePoint now);
  void write(PrometheusText& out) const;
  void add_operations();

  FeatureContext& context_;
  std::unique_ptr<AlertManager> manager_;  // null: not attached
  EventFeed::Subscription events_;
  Bus::Subscription troubled_;
  bool load_alerted_ = false;
  std::map<std::uint16_t, WorkerState> workers_;
  TimePoint next_look_;
};

}  // namespace sluice::app
