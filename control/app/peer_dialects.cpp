#include "control/app/peer_dialects.hpp"

#include <memory>
#include <utility>

#include "control/app/dialect_ports.hpp"
#include "control/app/party_rooms_feature.hpp"
#include "control/app/protoo_feature.hpp"
#include "control/config/sources.hpp"

namespace sluice::app {
namespace {

/// What the dialects share; a feature, so that somebody owns it as long as the server.
class SharedByDialects final : public Feature {
 public:
  explicit SharedByDialects(FeatureContext& context)
      : names(room_names(context.config.dialects)), ports(context.web, context.config) {}
  RoomNames names;
  DialectPorts ports;

 private:
  static RoomNames room_names(const config::DialectsConfig& config) {
    auto names = RoomNames::bridging(config.bridge);
    if (!names) throw config::ConfigError("'dialects.bridge': " + names.error() + ".");
    return std::move(*names);
  }
};

}  // namespace

void add_peer_dialects(FeatureContext& context, Features& features) {
  const config::DialectsConfig& config = context.config.dialects;
  auto shared = std::make_unique<SharedByDialects>(context);
  const RoomNames& names = shared->names;
  DialectPorts& ports = shared->ports;
  features.push_back(std::move(shared));
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
