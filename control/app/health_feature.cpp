#include "control/app/health_feature.hpp"

#include <algorithm>
#include <chrono>

#include "control/observability/process_memory.hpp"

namespace sluice::app {

using nlohmann::json;

namespace {

HealthMonitorOptions options_of(const config::HealthConfig& config) {
  HealthMonitorOptions options;
  std::vector<Slo> custom;
  for (const config::HealthConfig::Objective& objective : config.slos) {
    custom.push_back({objective.name, objective.target,
                      objective.at_least ? Slo::Comparison::at_least : Slo::Comparison::at_most,
                      alert_severity_of(objective.severity).value_or(AlertSeverity::warning)});
  }
  options.slos = slos_with(std::move(custom));
  options.check_interval = config.check_interval;
  options.window = config.window;
  options.service_name = config.service_name;
  return options;
}

}  // namespace

HealthFeature::HealthFeature(FeatureContext& context, const LoopLag& lag) : context_(context), lag_(lag) {
  if (context.config.observability.health) put_into_place();
  add_operations();
  subscriptions_.push_back(context.bus.subscribe<PartTroubled>([this](const PartTroubled& fact) {
    if (fact.problem.empty()) return context_.events.emit("health:well", {{"part", fact.part}});
    context_.events.emit("health:trouble",
                         {{"part", fact.part}, {"problem", fact.problem}, {"severity", to_string(fact.severity)}});
  }));
  context.collectors.push_back([this](PrometheusText& out) {
    out.single("sluice_troubled_parts", PrometheusText::Type::gauge,
               "Parts that cannot do all of their work: see /admin/health.", static_cast<double>(context_.troubles->size()));
  });
}

void HealthFeature::put_into_place() {
  monitor_ = std::make_unique<HealthMonitor>(
      context_.bus, context_.metrics, [this](std::string_view name) { return value_of(name); },
      options_of(*context_.config.observability.health), context_.now());
  emit_events();
}

bool HealthFeature::attach(std::string_view module) {
  if (module != "healthMonitor") return false;
  put_into_place();
  return true;
}

std::optional<double> HealthFeature::value_of(std::string_view name) const {
  if (name == "heap_ratio")
    return static_cast<double>(read_process_memory().rss) / static_cast<double>(memory_limit_bytes());
  if (name == "loop_lag_ms") return std::chrono::duration<double, std::milli>(lag_.worst()).count();
  if (name == "websockets") return static_cast<double>(context_.web.statistics().sockets_open);
  double worst = 0;
  if (name == "forwarding_latency_p99_ms") {
    for (const WorkerId id : context_.workers.ids()) {
      const Duration p99 = context_.workers.link(id)->shared().forwarding_latency.snapshot().quantile(0.99);
      worst = std::max(worst, std::chrono::duration<double, std::milli>(p99).count());
    }
    return worst;
  }
  if (name == "worker_heartbeat_age_ms") {
    const TimePoint now = context_.now();
    for (const WorkerId id : context_.workers.ids()) {
      // The worker writes it: any number may stand there.
      const TimePoint at = context_.workers.link(id)->shared().worker_heartbeat.read().at;
      const double age_ns =
          static_cast<double>(now.time_since_epoch().count()) - static_cast<double>(at.time_since_epoch().count());
      worst = std::max(worst, age_ns / 1e6);
    }
    return worst;
  }
  return std::nullopt;
}

void HealthFeature::emit_events() {
  subscriptions_.push_back(context_.bus.subscribe<SloBreached>([this](const SloBreached& fact) {
    context_.events.emit("slo:breach", {{"slo", fact.slo},
                                        {"actual", fact.actual},
                                        {"current", fact.actual},
                                        {"target", fact.target},
                                        {"severity", to_string(fact.severity)}});
  }));
  subscriptions_.push_back(context_.bus.subscribe<SloRecovered>([this](const SloRecovered& fact) {
    const json event{{"slo", fact.slo}, {"actual", fact.actual ? json(*fact.actual) : json()}, {"target", fact.target}};
    context_.events.emit("slo:recovered", event);
    context_.events.emit("slo:recovery", event);
  }));
  subscriptions_.push_back(context_.bus.subscribe<HealthChecked>([this](const HealthChecked& fact) {
    context_.events.emit("health:check", {{"checks", fact.checks}});
  }));
}

void HealthFeature::handle_timeout(TimePoint now) {
  if (monitor_) monitor_->handle_timeout(now);
}

TimePoint HealthFeature::next_deadline() const {
  return monitor_ ? monitor_->next_deadline() : never;
}

void HealthFeature::reload(const config::ServerConfig& config) {
  if (monitor_ && config.observability.health)
    monitor_->set_options(options_of(*config.observability.health), context_.now());
}

void HealthFeature::add_operations() {
  const auto report = [this](auto part) {
    return [this, part](const json&, const OperationCaller&, const OperationReply& reply) {
      if (!monitor_)
        return reply(unexpected(OperationError{OperationError::Kind::unavailable, "HealthMonitor not attached"}));
      const TimePoint now = context_.now();
      json whole = monitor_->report(now, context_.unix_ms(now));
      // Beyond the contract: what no objective measures.
      whole["problems"] = context_.troubles->to_json();
      if (!context_.troubles->empty()) {
        whole["healthy"] = false;
        whole["status"] = "degraded";
      }
      reply(part(std::move(whole)));
    };
  };
  context_.operations.add({"health.slo",
                           "the server judged against its objectives",
                           {},
                           "{status, healthy, service, ts, uptimeMs, checks[], breaches[], server, problems[]}",
                           report([](json whole) -> OperationResult { return whole; })});
  context_.operations.add(
      {"health.breaches", "the objectives that are not met", {}, "{breaches[]}", report([](json whole) -> OperationResult {
         return json{{"breaches", whole["breaches"]}};
       })});
}

}  // namespace sluice::app
