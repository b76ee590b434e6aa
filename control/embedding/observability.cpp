#include "sluice/observability.hpp"

#include <algorithm>
#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"

namespace sluice::rooms {

using embedding::list_in;
using embedding::put;

namespace {

Json tree_of(const MetricsCollectorOptions& options) {
  Json tree = Json::object();
  put(tree, "collectRoomMetrics", options.collectRoomMetrics);
  put(tree, "collectSystemMetrics", options.collectSystemMetrics);
  put(tree, "systemSampleIntervalMs", options.systemSampleIntervalMs);
  put(tree, "maxSamplesPerHistogram", options.maxSamplesPerHistogram);
  return tree;
}

Json tree_of(const TracerOptions& options) {
  Json tree = Json::object();
  put(tree, "mode", options.mode);
  put(tree, "bufferSize", options.bufferSize);
  put(tree, "serviceName", options.serviceName);
  return tree;
}

Json tree_of(const AlertManagerOptions& options) {
  Json channels = Json::array();
  for (const AlertChannel& channel : options.channels) {
    Json entry{{"type", channel.type}};
    if (!channel.url.empty()) entry["url"] = channel.url;
    if (!channel.events.empty()) entry["events"] = channel.events;
    channels.push_back(std::move(entry));
  }
  Json tree{{"channels", std::move(channels)}};
  put(tree, "suppressionWindowMs", options.suppressionWindowMs);
  put(tree, "maxQueueSize", options.maxQueueSize);
  return tree;
}

bool lets_through(const AlertChannel& channel, const std::string& event) {
  return channel.events.empty() || std::find(channel.events.begin(), channel.events.end(), event) != channel.events.end();
}

}  // namespace

MetricsCollector::MetricsCollector(const MetricsCollectorOptions& options) : Module("metricsCollector", tree_of(options)) {}
Json MetricsCollector::snapshot() const {
  return ask("metrics.snapshot");
}
std::optional<Json> MetricsCollector::roomSnapshot(const std::string& roomId) const {
  Json answer = ask("metrics.room", {{"roomId", roomId}});
  if (answer.is_null()) return std::nullopt;
  return answer;
}
std::vector<Json> MetricsCollector::allRoomSnapshots() const {
  return list_in(snapshot(), "rooms");
}
std::string MetricsCollector::prometheus() const {
  return ask("metrics.prometheus").value("text", std::string());
}

Tracer::Tracer(TracerOptions options) : Module("tracer", tree_of(options)) {
  if (!options.exporter) return;
  answer("exporter", [handler = std::move(options.exporter)](const Json& request) {
    handler(request.value("spans", Json::array()));
    return Json::object();
  });
}
void Tracer::Span::addEvent(const std::string& name, const Json& attrs) const {
  (void)tracer_->ask("traces.addEvent", {{"spanId", id_}, {"name", name}, {"attrs", attrs}});
}
void Tracer::Span::end(const std::string& status, const std::string& error) const {
  Json params{{"spanId", id_}, {"status", status}};
  if (!error.empty()) params["error"] = error;
  (void)tracer_->ask("traces.endSpan", std::move(params));
}
Tracer::Span Tracer::startSpan(const std::string& name, const std::optional<std::string>& traceId, const Json& attrs) const {
  Json params{{"name", name}, {"attrs", attrs}};
  put(params, "traceId", traceId);
  const Json answer = ask("traces.startSpan", std::move(params));
  return Span(*this, answer.value("spanId", std::string()), answer.value("traceId", std::string()));
}
std::optional<std::string> Tracer::getTraceId(const std::string& peerId) const {
  const auto trace = embedding::part_in(ask("traces.ofPeer", {{"peerId", peerId}}), "traceId");
  if (!trace || !trace->is_string()) return std::nullopt;
  return trace->get<std::string>();
}
std::vector<Json> Tracer::getSpans(const SpanQuery& query) const {
  Json params{{"limit", query.limit}};
  put(params, "name", query.name);
  put(params, "traceId", query.traceId);
  return list_in(ask("traces.query", std::move(params)), "spans");
}
Json Tracer::stats() const {
  return ask("traces.stats");
}

AlertManager::AlertManager(AlertManagerOptions options) : Module("alertManager", tree_of(options)) {
  std::erase_if(options.channels, [](const AlertChannel& channel) { return !channel.handler; });
  if (options.channels.empty()) return;
  answer("handler", [channels = std::move(options.channels)](const Json& alert) {
    const std::string event = alert.value("event", std::string());
    for (const AlertChannel& channel : channels)
      if (lets_through(channel, event)) channel.handler(alert);
    return Json::object();
  });
}
std::optional<Json> AlertManager::alert(const AlertRequest& request) const {
  return embedding::part_in(ask("alerts.raise", {{"event", request.event},
                                                 {"severity", request.severity},
                                                 {"message", request.message},
                                                 {"context", request.context},
                                                 {"recovered", request.recovered}}),
                            "alert");
}
std::vector<Json> AlertManager::recent(std::int64_t n) const {
  return list_in(ask("alerts.recent", {{"limit", n}}), "alerts");
}
void AlertManager::clearSuppression() const {
  (void)ask("alerts.clearSuppression");
}

}  // namespace sluice::rooms
