#include "control/app/whip_feature.hpp"

#include <memory>
#include <string_view>
#include <utility>

#include "control/app/dialect_ports.hpp"
#include "control/app/token_keys.hpp"
#include "control/signaling/room_names/room_names.hpp"
#include "control/signaling/whip/whip_route.hpp"
#include "control/signaling/whip/whip_sessions.hpp"

namespace sluice::app {

namespace {

WhipOptions whip_options(const config::ServerConfig& config) {
  WhipOptions options;
  options.connect_limit = config.dialects.whip.connect_timeout;
  options.sessions_max = config.dialects.whip.max_sessions;
  options.allowed_origins = config.signaling.allowed_origins;
  options.token_metadata_keys = token_metadata_keys(config.policy);
  return options;
}

/// A port of WHIP's own: what is neither an endpoint nor a session is not there.
class WhipPort final : public loop::Route {
 public:
  explicit WhipPort(WhipRoute& whip) : whip_(whip) {}
  [[nodiscard]] bool claims(const loop::RequestHead& head) const override {
    (void)head;
    return true;
  }
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override {
    whip_.claims(request) ? whip_.http(request, std::move(reply)) : Route::http(request, std::move(reply));
  }

 private:
  WhipRoute& whip_;
};

class WhipFeature final : public Feature {
 public:
  WhipFeature(FeatureContext& context, RoomNames names)
      : context_(context),
        names_(std::move(names)),
        ports_(context.web, context.config),
        sessions_(context.rooms, *context.publications, *context.media, context.sessions, context.bus, context.state_log,
                  context.entropy, whip_options(context.config)),
        route_(sessions_, whip_options(context.config),
               {context.now, [this](std::string_view name) { return names_.id(whip_dialect_name, name); },
                [&native = context.native](const PeerId& peer, TimePoint now) { return native.ice_servers(peer, now); }}) {
    if (context.guard != nullptr) sessions_.set_guard(*context.guard);
    context.routes.add(route_);
    ports_.open("whip", context.config.dialects.whip.port, port_);
  }
  void restored(TimePoint now) override { sessions_.restored(now); }
  void attached(std::string_view module) override {
    if (module == "policyEngine") sessions_.set_token_metadata_keys(token_metadata_keys(context_.config.policy));
  }
  void handle_timeout(TimePoint now) override { sessions_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_deadline() const override { return sessions_.next_deadline(); }

 private:
  FeatureContext& context_;
  RoomNames names_;
  DialectPorts ports_;
  WhipSessions sessions_;
  WhipRoute route_;
  WhipPort port_{route_};
};

}  // namespace

void add_whip(FeatureContext& context, Features& features) {
  if (!context.config.dialects.whip.enabled || context.publications == nullptr || context.media == nullptr) return;
  // Checked with the rest of the configuration.
  const auto names = RoomNames::bridging(context.config.dialects.bridge);
  features.push_back(std::make_unique<WhipFeature>(context, names.value_or(RoomNames())));
}

}  // namespace sluice::app
