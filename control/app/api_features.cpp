#include "control/app/api_features.hpp"

#include <memory>
#include <string>
#include <utility>

#include "control/api/admin_api.hpp"
#include "control/api/api_observer.hpp"
#include "control/api/control_socket.hpp"
#include "control/api/core_events.hpp"
#include "control/api/governance_api.hpp"
#include "control/api/http_terms.hpp"
#include "control/api/openapi_files.hpp"
#include "control/observability/log.hpp"

namespace sluice::app {

namespace {

/// What rooms do, for whoever subscribes.
class EventsFeature final : public Feature {
 public:
  explicit EventsFeature(FeatureContext& context)
      : events_(context.bus, context.events, context.rooms, context.publications) {}

 private:
  CoreEvents events_;
};

/// Everything of the governance listener.
class GovernanceFeature final : public Feature {
 public:
  explicit GovernanceFeature(FeatureContext& context)
      : api_(context.operations, metrics_of(context), {context.config.api.governance.secret, context.config.api.governance.prefix}) {
    const config::GovernanceConfig& config = context.config.api.governance;
    api_.set_observer(api_observer(context.bus, "governance"));
    api_.set_openapi(openapi_document("governance"));
    loop::ListenerConfig listener;
    listener.name = "governance";
    listener.host = config.host == "localhost" ? "127.0.0.1" : config.host;
    listener.port = config.port;
    listener.http = [this](const loop::HttpRequest& request) { return api_.handle(request); };
    try {
      const std::uint16_t port = context.web.listen(std::move(listener));
      log::info("governance API", {{"host", config.host}, {"port", port}});
    } catch (const loop::ListenError& error) {
      // Several servers of one machine need not all be told of a port that none asked for.
      if (config.port_was_set) throw;
      log::warn("no governance API", {{"reason", error.what()}, {"hint", "set governance.port to have one"}});
    }
  }

 private:
  static std::function<void(PrometheusText&)> metrics_of(FeatureContext& context) {
    if (!context.write_metrics) return {};
    return [&context](PrometheusText& out) { context.write_metrics(out); };
  }

  GovernanceApi api_;
};

/// The control socket, and figures of both kinds of JSON-RPC clients.
class ControlSocketFeature final : public Feature {
 public:
  ControlSocketFeature(FeatureContext& context, RpcStatistics& statistics)
      : socket_(context.loop, context.control_listener->release(),
                {context.operations, context.events, nullptr, &statistics},
                {.allowed_uids = context.config.api.control.allowed_uids}) {
    context.collectors.push_back([this, &statistics](PrometheusText& out) {
      using enum PrometheusText::Type;
      out.family("sluice_control_socket_connections", gauge, "Clients of the control socket.");
      out.sample(socket_.connections());
      out.family("sluice_control_socket_accepted_total", counter, "Connections of the control socket that were let in.");
      out.sample(socket_.statistics().accepted);
      out.family("sluice_control_socket_refused_total", counter, "Connections refused because of their user.");
      out.sample(socket_.statistics().refused);
      out.family("sluice_rpc_calls_total", counter, "Calls over control socket and dashboard.");
      out.sample(statistics.calls);
      out.family("sluice_rpc_errors_total", counter, "Calls that were answered by an error.");
      out.sample(statistics.errors);
      out.family("sluice_rpc_events_total", counter, "Events sent to subscribers.");
      out.sample(statistics.events);
      out.family("sluice_rpc_events_dropped_total", counter, "Events not sent because a subscriber read too slowly.");
      out.sample(statistics.events_dropped);
      out.family("sluice_rpc_slow_clients_total", counter, "Clients closed because they read nothing.");
      out.sample(statistics.slow_clients_closed);
    });
  }

 private:
  ControlSocket socket_;
};

/// Owns what several features count in.
class RpcFigures final : public Feature {
 public:
  RpcStatistics statistics;
};

}  // namespace

void add_api_features(FeatureContext& context, Features& features) {
  auto figures = std::make_unique<RpcFigures>();
  RpcStatistics& statistics = figures->statistics;
  features.push_back(std::move(figures));
  features.push_back(std::make_unique<EventsFeature>(context));
  if (context.config.api.governance.enabled) features.push_back(std::make_unique<GovernanceFeature>(context));
  if (context.control_listener != nullptr && context.control_listener->valid()) features.push_back(std::make_unique<ControlSocketFeature>(context, statistics));
}

}  // namespace sluice::app
