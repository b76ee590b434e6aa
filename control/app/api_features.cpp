#include "control/app/api_features.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "control/api/admin_api.hpp"
#include "control/api/api_observer.hpp"
#include "control/api/bearer.hpp"
#include "control/api/control_socket.hpp"
#include "control/api/core_events.hpp"
#include "control/api/dashboard_live.hpp"
#include "control/api/event_catalog.hpp"
#include "control/api/facts.hpp"
#include "control/api/governance_api.hpp"
#include "control/api/http_terms.hpp"
#include "control/api/openapi_files.hpp"
#include "control/api/operation_terms.hpp"
#include "control/dashboard/dashboard_server.hpp"
#include "control/observability/log.hpp"

namespace sluice::app {

using namespace std::chrono_literals;

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
class GovernanceFeature final : public Feature, private loop::Route {
 public:
  explicit GovernanceFeature(FeatureContext& context)
      : api_(context.operations, metrics_of(context),
             {context.config.api.governance.secret, context.config.api.governance.prefix}) {
    const config::GovernanceConfig& config = context.config.api.governance;
    api_.set_observer(api_observer(context.bus, "governance"));
    api_.set_openapi(openapi_document("governance"));
    routes_.add(*this);
    loop::ListenerConfig listener;
    listener.name = "governance";
    listener.host = config.host == "localhost" ? "127.0.0.1" : config.host;
    listener.port = config.port;
    listener.routes = &routes_;
    listener.http = [](const loop::HttpRequest&) { return error_response(404, "Not found"); };
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
  static HttpApi::WriteMetrics metrics_of(FeatureContext& context) {
    if (!context.write_metrics) return {};
    return [&context](PrometheusText& out) { context.write_metrics(out); };
  }

  [[nodiscard]] bool claims(const loop::RequestHead&) const override { return true; }
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override { api_.handle(request, reply); }

  GovernanceApi api_;
  loop::Routes routes_;
};

/// The dashboard's files, its tickets and its live connections, on the admin listener.
class DashboardFeature final : public Feature, private loop::Route {
 public:
  DashboardFeature(FeatureContext& context, RpcStatistics& statistics)
      : config_(context.config.admin_api),
        bus_(context.bus),
        now_(context.now),
        tickets_(context.entropy),
        live_(context.web, {context.operations, context.events, nullptr, &statistics, rpc_observer(context.bus)}, tickets_,
              context.now),
        observer_(api_observer(context.bus, "dashboard")),
        pulse_(context.loop.every(1s, [this] { live_.drained(); })) {
    context.admin_routes->add(*this);
  }

 private:
  static constexpr const char* ticket_path = "/dashboard/ticket";
  static constexpr const char* live_path = "/dashboard/live";

  [[nodiscard]] bool claims(const loop::RequestHead& head) const override { return is_dashboard_path(head.path); }

  [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request) override {
    if (request.path != live_path) return error_response(404, "Not found");
    loop::UpgradeDecision decision = live_.upgrade(request);
    if (const auto* refusal = std::get_if<loop::UpgradeRefusal>(&decision)) {
      bus_.publish(ApiAccessed{"dashboard", "GET", live_path, refusal->status, request.remote_ip});
    }
    return decision;
  }

  void http(const loop::HttpRequest& request, loop::HttpReply reply) override {
    if (request.path != ticket_path) return reply(serve_dashboard(request));
    const auto answer = [&](loop::HttpResponse response) {
      observer_(request, response.status);
      reply(std::move(response));
    };
    if (request.method != loop::HttpMethod::post) return answer(error_response(404, "Not found"));
    if (!bearer_allows(request.authorization, config_.secret)) return answer(error_response(401, "Unauthorized"));
    if (config_.secret.empty() && comes_from_a_web_page(request.host, request.origin))
      return answer(error_response(403, "Requests from other web pages need a secret: set adminApi.adminSecret"));
    const auto lifetime = std::chrono::duration_cast<std::chrono::milliseconds>(Tickets::lifetime).count();
    answer(json_response(200, {{"ticket", tickets_.issue(now_())}, {"expiresInMs", lifetime}}));
  }

  const config::AdminApiConfig& config_;
  Bus& bus_;
  TimePoint (*now_)();
  Tickets tickets_;
  DashboardLive live_;
  std::function<void(const loop::HttpRequest&, int)> observer_;
  std::unique_ptr<loop::EventLoop::Watch> pulse_;
};

/// Hooks that must not go unasked (`control.requiredHooks`, `hooks.require`), kept for a successor of this process.
class RequiredHooks final : public Feature {
 public:
  explicit RequiredHooks(FeatureContext& context) : hooks_(context.hooks), log_(context.state_log) {
    for (const std::string& hook : context.config.api.control.required_hooks) hooks_.require(hook, true);
    log_.for_each(prefix, [this](std::string_view key, Bytes value) {
      hooks_.require(std::string(key.substr(prefix.size())), !value.empty() && value[0] != std::byte{0});
    });
    context.operations.add(
        {"hooks.require",
         "Says whether a hook must be answered: while who answers it is not there, what asks it waits and "
         "then fails, instead of going on unasked",
         {{"hook", "string", true, "its name"}, {"required", "boolean", true, "false takes it back"}},
         "{hook, required}",
         at_once([this](const nlohmann::json& params) { return require(params); })});
  }

 private:
  static constexpr std::string_view prefix = "required-hook.";

  OperationResult require(const nlohmann::json& params) {
    const std::string hook = params["hook"];
    const bool required = params["required"];
    if (!is_hook(hook)) return invalid_params("There is no hook '" + hook + "'; rpc.discover lists them.");
    const std::byte value{static_cast<unsigned char>(required ? 1 : 0)};
    if (!log_.put(std::string(prefix) + hook, Bytes(&value, 1))) return unavailable("This cannot be stored.");
    hooks_.require(hook, required);
    return nlohmann::json{{"hook", hook}, {"required", required}};
  }

  Hooks& hooks_;
  StateLog& log_;
};

/// Clients of the control socket as providers of hooks.
class HookDoor final : public HookRegistry {
 public:
  explicit HookDoor(Hooks& hooks) : hooks_(hooks) {}
  [[nodiscard]] std::shared_ptr<void> attach(const std::string& hook, Provider provider) override {
    return std::make_shared<Hooks::Attachment>(
        hooks_.attach(hook, [provider = std::move(provider)](const nlohmann::json& request, const HookReply& reply) {
          provider(request, [reply](Result<nlohmann::json, std::string> result) {
            if (result) return reply(std::move(*result));
            reply(unexpected(HookFailure{result.error()}));
          });
        }));
  }

 private:
  Hooks& hooks_;
};

/// The control socket, and figures of both kinds of JSON-RPC clients.
class ControlSocketFeature final : public Feature {
 public:
  ControlSocketFeature(FeatureContext& context, RpcStatistics& statistics)
      : hooks_(context.hooks),
        socket_(context.loop, context.control_listener->release(),
                {context.operations, context.events, &hooks_, &statistics, rpc_observer(context.bus)},
                {.allowed_uids = context.config.api.control.allowed_uids, .limits = {}}) {
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
  HookDoor hooks_;
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
  features.push_back(std::make_unique<RequiredHooks>(context));
  if (context.config.api.governance.enabled) features.push_back(std::make_unique<GovernanceFeature>(context));
  if (context.config.admin_api.enabled && context.config.api.dashboard && context.admin_routes != nullptr)
    features.push_back(std::make_unique<DashboardFeature>(context, statistics));
  if (context.control_listener != nullptr && context.control_listener->valid())
    features.push_back(std::make_unique<ControlSocketFeature>(context, statistics));
}

}  // namespace sluice::app
