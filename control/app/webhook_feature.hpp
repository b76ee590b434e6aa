#pragma once

#include <memory>

#include "control/app/feature_context.hpp"
#include "control/webhooks/webhook_dispatcher.hpp"

namespace sluice::app {

/// WebhookDispatcher (contract section 35) with its HTTP calls and the store of its dead letters, operations `webhooks.*`,
/// events `delivery:*`.
class WebhookFeature final : public Feature {
 public:
  explicit WebhookFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void reload(const config::ServerConfig& config) override;
  [[nodiscard]] bool attach(std::string_view module) override;
  void stop() override;

 private:
  void put_into_place();
  void write(PrometheusText& out) const;
  void add_operations();

  FeatureContext& context_;
  std::unique_ptr<WebhookDispatcher> dispatcher_;  // null: not attached
};

}  // namespace sluice::app
