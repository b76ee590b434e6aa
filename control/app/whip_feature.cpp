#include "control/app/whip_feature.hpp"

#include <memory>

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
  return options;
}

class WhipFeature final : public Feature {
 public:
  WhipFeature(FeatureContext& context, RoomNames names)
      : names_(std::move(names)),
        sessions_(context.rooms, *context.publications, *context.media, context.sessions, context.bus, context.state_log,
                  context.entropy, whip_options(context.config)),
        route_(sessions_, whip_options(context.config),
               {context.now, [this](std::string_view name) { return names_.id(whip_dialect_name, name); },
                [&native = context.native](const PeerId& peer, TimePoint now) { return native.ice_servers(peer, now); }}) {
    if (context.guard != nullptr) sessions_.set_guard(*context.guard);
    context.routes.add(route_);
  }
  void restored(TimePoint now) override { sessions_.restored(now); }
  void handle_timeout(TimePoint now) override { sessions_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_deadline() const override { return sessions_.next_deadline(); }

 private:
  RoomNames names_;
  WhipSessions sessions_;
  WhipRoute route_;
};

}  // namespace

void add_whip(FeatureContext& context, Features& features) {
  if (!context.config.dialects.whip.enabled || context.publications == nullptr || context.media == nullptr) return;
  // Checked with the rest of the configuration.
  const auto names = RoomNames::bridging(context.config.dialects.bridge);
  features.push_back(std::make_unique<WhipFeature>(context, names.value_or(RoomNames())));
}

}  // namespace sluice::app
