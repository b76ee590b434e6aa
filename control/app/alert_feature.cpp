#include "control/app/alert_feature.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/app/operation_params.hpp"

namespace sluice::app {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr Duration look_period = 1s;
/// The supervisor replaces a worker that has been silent for two seconds; one is worth an alert.
constexpr Duration stall_limit = 1s;

AlertManagerOptions options_of(const config::AlertsConfig& config) {
  AlertManagerOptions options;
  for (const config::AlertsConfig::Channel& channel : config.channels) {
    const AlertChannel::Kind kind = channel.type == "console"   ? AlertChannel::Kind::console
                                    : channel.type == "webhook" ? AlertChannel::Kind::webhook
                                                                : AlertChannel::Kind::custom;
    options.channels.push_back({kind, channel.url, channel.events});
  }
  options.suppression_window = config.suppression_window;
  options.queue_max = config.queue_max;
  return options;
}

}  // namespace

AlertFeature::AlertFeature(FeatureContext& context) : context_(context), next_look_(context.now() + look_period) {
  if (context.config.observability.alerts) put_into_place();
  add_operations();
}

void AlertFeature::put_into_place() {
  AlertManager::Outside outside;
  outside.post = [this](const std::string& url, std::string body, const auto& done) {
    HttpCall call;
    call.url = url;
    call.headers = {{"Content-Type", "application/json"}, {"User-Agent", "webrtc-rooms-alert/2.0"}};
    call.body = std::move(body);
    call.time_limit = 10s;
    context_.http.call(std::move(call), [done](const HttpOutcome& answer) {
      if (!answer) return done(answer.error().message);
      if (answer->status >= 400) return done("status " + std::to_string(answer->status));
      done(std::nullopt);
    });
  };
  outside.emit = [this](std::string_view event, const json& data) {
    context_.events.emit(event, data);
    if (event == "alert") ask_handler(data);
  };
  outside.now = context_.now;
  outside.unix_ms = context_.unix_ms;
  manager_ = std::make_unique<AlertManager>(context_.bus, outside, options_of(*context_.config.observability.alerts));
  listen_to_events();
  context_.collectors.emplace_back([this](PrometheusText& out) { write(out); });
}

bool AlertFeature::attach(std::string_view module) {
  if (module != "alertManager") return false;
  put_into_place();
  return true;
}

void AlertFeature::reload(const config::ServerConfig& config) {
  if (manager_ && config.observability.alerts) manager_->set_options(options_of(*config.observability.alerts));
}

void AlertFeature::ask_handler(const json& alert) {
  if (!context_.hooks.attached("handler") || !context_.config.observability.alerts) return;
  const auto& channels = context_.config.observability.alerts->channels;
  const std::string event = alert.value("event", "");
  const bool wanted = std::any_of(channels.begin(), channels.end(), [&](const config::AlertsConfig::Channel& channel) {
    const auto& events = channel.events;
    const bool passes = events.empty() || std::find(events.begin(), events.end(), event) != events.end();
    return channel.type == "custom" && channel.url.empty() && passes;
  });
  if (!wanted) return;
  context_.hooks.call("handler", alert, context_.now(), [this, alert](const HookResult& result) {
    if (!result)
      context_.events.emit("delivery:failed", {{"channel", "custom"}, {"alert", alert}, {"error", result.error().message}});
  });
}

void AlertFeature::listen_to_events() {
  troubled_ = context_.bus.subscribe<PartTroubled>([this](const PartTroubled& fact) { trouble(fact); });
  events_ = context_.events.listen(
      [this](std::string_view event, const json& data, std::uint64_t) {
        if (event == "threat") return threat(data);
        if (event.starts_with("load:")) load(event.substr(5), data);
      },
      [](std::string_view event) { return event == "threat" || event.starts_with("load:"); });
}

void AlertFeature::trouble(const PartTroubled& fact) {
  const json context{{"part", fact.part}, {"problem", fact.problem}};
  if (fact.problem.empty()) {
    context_.bus.publish(
        AlertRaised{"part:recovered", AlertSeverity::info, fact.part + " works again", context, fact.part, true});
  } else {
    context_.bus.publish(AlertRaised{"part:troubled", fact.severity, fact.part + ": " + fact.problem, context, fact.part});
  }
}

void AlertFeature::threat(const json& data) {
  const std::string name = data.value("threat", "unknown");
  const std::string level = data.value("level", "warn");
  const json ip = data.contains("ip") ? data["ip"] : json();
  const bool severe = level == "ban" || level == "kick";
  context_.bus.publish(AlertRaised{"threat:" + name,
                                   severe ? AlertSeverity::critical : AlertSeverity::warning,
                                   "Threat " + name + ", answered by " + level,
                                   {{"level", level}, {"threat", name}, {"ip", ip}},
                                   name + ":" + (ip.is_string() ? ip.get<std::string>() : "")});
}

void AlertFeature::load(std::string_view level, const json& data) {
  const json context{{"heapRatio", data.value("heapRatio", 0.0)}, {"peerRatio", data.value("peerRatio", 0.0)}};
  if (level == "critical" || level == "shedding") {
    load_alerted_ = true;
    context_.bus.publish(AlertRaised{
        "load:" + std::string(level), AlertSeverity::critical,
        level == "critical" ? "The server is overloaded and refuses joins" : "The server is overloaded and puts peers out",
        context, std::string()});
  } else if (load_alerted_ && level != "recovered") {
    load_alerted_ = false;
    context_.bus.publish(
        AlertRaised{"load:recovered", AlertSeverity::info, "The server takes joins again", context, std::string(), true});
  }
}

void AlertFeature::handle_timeout(TimePoint now) {
  if (!manager_ || now < next_look_) return;
  next_look_ = now + look_period;
  look_at_workers(now);
}

void AlertFeature::look_at_workers(TimePoint now) {
  for (const WorkerId id : context_.workers.ids()) {
    const HeartbeatReading beat = context_.workers.link(id)->shared().worker_heartbeat.read();
    WorkerState& state = workers_[id.value];
    const json context{{"worker", id.value}};
    if (state.pid != 0 && beat.pid != state.pid) {
      context_.bus.publish(AlertRaised{"worker:replaced", AlertSeverity::warning,
                                       "A media worker died and another one took over its streams", context});
    }
    state.pid = beat.pid;
    const bool stalled = beat.pulse(now, stall_limit) == Pulse::stalled;
    if (std::exchange(state.stalled, stalled) == stalled) continue;
    if (stalled) {
      context_.bus.publish(
          AlertRaised{"worker:stalled", AlertSeverity::critical, "A media worker does not turn any more", context});
    } else {
      context_.bus.publish(
          AlertRaised{"worker:recovered", AlertSeverity::info, "A media worker turns again", context, std::nullopt, true});
    }
  }
}

void AlertFeature::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const AlertManager::Stats& stats = manager_->stats();
  out.family("sluice_alerts_total", counter, "Alerts raised.").sample(stats.raised);
  out.family("sluice_alerts_suppressed_total", counter, "Repeats that were suppressed.").sample(stats.suppressed);
  out.family("sluice_alert_deliveries_failed_total", counter, "Alerts that a channel would not take.")
      .sample(stats.deliveries_failed);
}

void AlertFeature::add_operations() {
  context_.operations.add({"alerts.recent",
                           "the newest alerts, newest last",
                           {{"limit", "integer", false, "at most so many, default 50"}},
                           "{alerts[], count}",
                           [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                             json alerts = json::array();
                             if (manager_) {
                               for (const Alert& alert : manager_->recent(count_of(params, "limit", 50)))
                                 alerts.push_back(alert_json(alert));
                             }
                             const std::size_t count = alerts.size();
                             reply(json{{"alerts", std::move(alerts)}, {"count", count}});
                           }});
  const auto attached = [this](auto answer) {
    return [this, answer](const json& params, const OperationCaller&, const OperationReply& reply) {
      if (!manager_)
        return reply(unexpected(OperationError{OperationError::Kind::unavailable, "AlertManager not attached"}));
      reply(answer(params));
    };
  };
  context_.operations.add({"alerts.raise",
                           "raises an alert of one's own",
                           {{"event", "string", true, "its name"},
                            {"severity", "string", true, "info, warning or critical"},
                            {"message", "string", true, "for people"},
                            {"context", "object", false, "what it is about"},
                            {"recovered", "boolean", false, "something is well again"}},
                           "{alert}: null when it was suppressed",
                           attached([this](const json& params) -> OperationResult {
                             const auto severity = alert_severity_of(text_of(params, "severity"));
                             if (!severity)
                               return unexpected(OperationError{OperationError::Kind::invalid_params,
                                                                "severity must be info, warning or critical"});
                             AlertRaised what{text_of(params, "event"), *severity, text_of(params, "message")};
                             if (const auto given = params.find("context"); given != params.end() && given->is_object())
                               what.context = *given;
                             what.recovered = flag_of(params, "recovered", false);
                             const auto alert = manager_->raise(what);
                             return json{{"alert", alert ? alert_json(*alert) : json()}};
                           })});
  context_.operations.add({"alerts.clearSuppression",
                           "lets every alert through again",
                           {},
                           "{cleared: true}",
                           attached([this](const json&) -> OperationResult {
                             manager_->clear_suppression();
                             return json{{"cleared", true}};
                           })});
}

}  // namespace sluice::app
