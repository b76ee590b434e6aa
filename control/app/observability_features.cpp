#include "control/app/observability_features.hpp"

#include <utility>

#include "control/app/abr_feature.hpp"
#include "control/app/alert_feature.hpp"
#include "control/app/configuration_feature.hpp"
#include "control/app/health_feature.hpp"
#include "control/app/metrics_feature.hpp"
#include "control/app/outside_metrics.hpp"
#include "control/app/speakers_feature.hpp"
#include "control/app/switches_feature.hpp"
#include "control/app/tracing_feature.hpp"
#include "control/app/webhook_feature.hpp"

namespace sluice::app {

void add_observability_features(FeatureContext& context, Features& features) {
  auto metrics = std::make_unique<MetricsFeature>(context);
  const LoopLag& lag = metrics->loop_lag();
  features.push_back(std::move(metrics));
  // Alerts before health: what health finds out must find somebody who listens.
  features.push_back(std::make_unique<AlertFeature>(context));
  features.push_back(std::make_unique<HealthFeature>(context, lag));
  features.push_back(std::make_unique<TracingFeature>(context));
  features.push_back(std::make_unique<WebhookFeature>(context));
  features.push_back(std::make_unique<AbrFeature>(context));
  features.push_back(std::make_unique<SpeakersFeature>(context));
  features.push_back(std::make_unique<SwitchesFeature>(context));
  features.push_back(std::make_unique<ConfigurationFeature>(context));
  collect_outside(context);
}

}  // namespace sluice::app
