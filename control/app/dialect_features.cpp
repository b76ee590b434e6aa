#include "control/app/dialect_features.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "control/app/dialect_ports.hpp"
#include "control/app/party_rooms_feature.hpp"
#include "control/app/protoo_feature.hpp"
#include "control/policy/turn/turn_credentials.hpp"

namespace sluice::app {
namespace {

/// What the dialects share; a feature, so that somebody owns it as long as the server.
class SharedByDialects final : public Feature {
 public:
  explicit SharedByDialects(FeatureContext& context)
      : names(room_names(context.config.dialects)), ports(context.web, context.config.signaling) {}
  RoomNames names;
  DialectPorts ports;

 private:
  static RoomNames room_names(const config::DialectsConfig& config) {
    auto names = RoomNames::bridging(config.bridge);
    if (!names) throw config::ConfigError("'dialects.bridge': " + names.error() + ".");
    return std::move(*names);
  }
};

/// `signaling.turn`: credentials in the native `room:joined` (contract webrtc-rooms, section 14).
void tell_native_of_turn(FeatureContext& context) {
  const config::TurnConfig& config = context.config.dialects.turn;
  const TurnOptions options{config.urls, config.secrets, config.ttl};
  if (!options.usable()) return;
  context.native.set_ice_servers(
      [turn = TurnCredentials(options), unix_ms = context.unix_ms](const PeerId& peer, TimePoint now) {
        return std::optional(turn.ice_servers(peer.value, unix_ms(now) / 1000, TurnCredentials::WithTtl::yes));
      });
}

}  // namespace

void add_dialect_features(FeatureContext& context, Features& features) {
  const config::DialectsConfig& config = context.config.dialects;
  auto shared = std::make_unique<SharedByDialects>(context);
  const RoomNames& names = shared->names;
  DialectPorts& ports = shared->ports;
  features.push_back(std::move(shared));
  tell_native_of_turn(context);
  if (config.protoo.enabled) {
    auto protoo = std::make_unique<ProtooFeature>(context, names);
    context.routes.add(*protoo);
    ports.open("protoo", config.protoo.port, *protoo);
    features.push_back(std::move(protoo));
  }
  if (config.party_rooms.enabled) {
    auto party = std::make_unique<PartyRoomsFeature>(context, names);
    context.routes.add(*party);
    ports.open("partyRooms", config.party_rooms.port, *party);
    features.push_back(std::move(party));
  }
}

}  // namespace sluice::app
