#include "control/app/metrics_feature.hpp"

#include <chrono>

#include "control/app/operation_params.hpp"

namespace sluice::app {

using nlohmann::json;

MetricsFeature::MetricsFeature(FeatureContext& context) : context_(context), lag_(context.now()) {
  take_options(context.config.observability.metrics);
  context.collectors.emplace_back([this](PrometheusText& out) { write(out); });
  add_operations();
}

void MetricsFeature::take_options(const config::MetricsConfig& config) {
  RoomMetricsOptions options;
  options.attached = config.attached;
  options.rooms = config.rooms;
  options.system = config.system;
  options.system_interval = config.system_interval;
  options.samples_max = config.samples_max;
  options.room_retention = config.room_retention;
  options.percentiles = config.percentiles;
  context_.metrics.set_options(std::move(options));
  flush_interval_ = config.flush_interval;
  next_flush_ = config.attached ? context_.now() + flush_interval_ : never;
}

void MetricsFeature::reload(const config::ServerConfig& config) {
  take_options(config.observability.metrics);
}

void MetricsFeature::handle_timeout(TimePoint now) {
  lag_.handle_timeout(now);
  context_.metrics.handle_timeout(now, context_.unix_ms(now));
  if (now < next_flush_) return;
  next_flush_ = now + flush_interval_;
  if (context_.events.heard()) context_.events.emit("metrics", context_.metrics.snapshot(context_.unix_ms));
}

TimePoint MetricsFeature::next_deadline() const {
  return std::min({lag_.next_deadline(), context_.metrics.next_deadline(), next_flush_});
}

void MetricsFeature::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const auto seconds = [](Duration duration) { return std::chrono::duration<double>(duration).count(); };
  out.single("sluice_control_loop_lag_seconds", gauge, "Worst delay of the control loop's timers in the last ten seconds.",
             seconds(lag_.worst()));
  out.single("sluice_control_loop_lag_mean_seconds", gauge,
             "Mean delay of the control loop's timers in the last ten seconds.", seconds(lag_.mean()));
  out.single("sluice_control_memory_limit_bytes", gauge, "Memory that the control process may use.",
             static_cast<double>(memory_limit_bytes()));
  const loop::WebServerStatistics& web = context_.web.statistics();
  const auto count = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    out.family(name, counter, help).sample(value);
  };
  out.family("sluice_websockets_open", gauge, "WebSockets that are open now.").sample(web.sockets_open);
  count("sluice_websockets_opened_total", "WebSockets opened.", web.sockets_opened);
  count("sluice_websocket_upgrades_refused_total", "WebSocket upgrades refused.", web.upgrades_refused);
  count("sluice_websocket_messages_received_total", "Messages from WebSockets.", web.messages_in);
  count("sluice_websocket_messages_sent_total", "Messages to WebSockets.", web.messages_out);
  count("sluice_websocket_slow_readers_closed_total", "WebSockets closed because they read too slowly.",
        web.slow_readers_closed);
  count("sluice_websocket_heartbeats_missed_total", "WebSockets ended because they answered no ping.",
        web.heartbeats_missed);
  count("sluice_websocket_messages_too_large_total", "WebSockets closed for a message above the limit.",
        web.messages_too_large);
  count("sluice_http_requests_total", "HTTP requests.", web.http_requests);
  count("sluice_connections_refused_total", "TCP connections closed at once because descriptors run out.",
        web.connections_refused);
}

std::string MetricsFeature::text() const {
  PrometheusText out;
  context_.metrics.write(out);
  std::vector<WorkerView> workers;
  for (const WorkerId id : context_.workers.ids()) workers.push_back({id, &context_.workers.link(id)->shared()});
  write_worker_metrics(workers, context_.now(), out);
  for (const Collector& collect : context_.collectors) collect(out);
  return out.text();
}

void MetricsFeature::add_operations() {
  const auto unless_detached = [this](auto answer) {
    return [this, answer](const json& params, const OperationCaller&, const OperationReply& reply) {
      if (!context_.metrics.options().attached)
        return reply(unexpected(OperationError{OperationError::Kind::unavailable, "MetricsCollector not attached"}));
      reply(answer(params));
    };
  };
  context_.operations.add(
      {"metrics.snapshot",
       "figures of the server and its rooms",
       {},
       "{timestamp, uptimeMs, system, server, rooms[]}",
       unless_detached([this](const json&) -> OperationResult { return context_.metrics.snapshot(context_.unix_ms); })});
  context_.operations.add({"metrics.room",
                           "figures of one room",
                           {{"roomId", "string", true, "the room"}},
                           "as an element of rooms in metrics.snapshot; null if unknown",
                           unless_detached([this](const json& params) -> OperationResult {
                             return context_.metrics.room_snapshot(RoomId(text_of(params, "roomId")), context_.unix_ms);
                           })});
  context_.operations.add({"metrics.prometheus",
                           "all metrics in the Prometheus text format",
                           {},
                           "{contentType, text}",
                           unless_detached([this](const json&) -> OperationResult {
                             return json{{"contentType", PrometheusText::content_type}, {"text", text()}};
                           })});
}

}  // namespace sluice::app
