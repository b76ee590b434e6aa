#include "control/config/dialects_config.hpp"

#include "control/config/bridge_config.hpp"

namespace sluice::config {

DialectsConfig read_dialects(const nlohmann::json& tree) {
  DialectsConfig dialects;
  dialects.bridge = read_bridge(tree);
  dialects.protoo = read_protoo(tree);
  dialects.party_rooms = read_party_rooms(tree);
  return dialects;
}

}  // namespace sluice::config
