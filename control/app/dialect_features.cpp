#include "control/app/dialect_features.hpp"

#include "control/app/peer_dialects.hpp"
#include "control/app/socketio_feature.hpp"
#include "control/app/whip_feature.hpp"

namespace sluice::app {

void add_dialect_features(FeatureContext& context, Features& features) {
  add_peer_dialects(context, features);
  add_socketio(context, features);
  add_whip(context, features);
}

}  // namespace sluice::app
