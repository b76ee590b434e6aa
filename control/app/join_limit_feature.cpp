#include "control/app/join_limit_feature.hpp"

#include <chrono>

namespace sluice::app {
namespace {

constexpr Duration sweep_period = std::chrono::seconds(60);

JoinLimits limits_of(const config::ServerConfig& config) {
  const auto& limiter = config.security.rate_limiter;
  return limiter ? JoinLimits{limiter->joins_per_room_per_minute, limiter->joins_per_tenant_per_minute} : JoinLimits{};
}

}  // namespace

JoinLimitFeature::JoinLimitFeature(FeatureContext& context)
    : limiter_(context.rooms, context.bus, limits_of(context.config)), next_sweep_(context.now() + sweep_period) {
  context.collectors.push_back([this](PrometheusText& out) {
    using enum PrometheusText::Type;
    const JoinLimiter::Statistics& statistics = limiter_.statistics();
    out.family("sluice_joins_limited_total", counter, "Joins refused because a room or tenant had too many in a minute.")
        .sample(statistics.refused_by_room, R"(by="room")")
        .sample(statistics.refused_by_tenant, R"(by="tenant")");
    out.family("sluice_joins_uncounted_total", counter, "Joins of rooms and tenants that the limiter had no place for.")
        .sample(statistics.uncounted);
  });
}

void JoinLimitFeature::handle_timeout(TimePoint now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + sweep_period;
  limiter_.sweep(now);
}

void JoinLimitFeature::reload(const config::ServerConfig& config) {
  limiter_.set_limits(limits_of(config));
}

}  // namespace sluice::app
