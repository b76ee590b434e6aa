#include "control/config/dialects_config.hpp"

#include <string_view>

#include "control/config/bridge_config.hpp"
#include "control/config/read_values.hpp"
#include "control/config/sources.hpp"

namespace sluice::config {

namespace {

WhipConfig read_whip(const nlohmann::json& tree) {
  WhipConfig whip;
  read(tree, "dialects.whip.enabled", whip.enabled);
  read(tree, "dialects.whip.connectTimeout", whip.connect_timeout);
  read(tree, "dialects.whip.maxSessions", whip.max_sessions);
  read(tree, "dialects.whip.port", whip.port);
  return whip;
}

}  // namespace

DialectsConfig read_dialects(const nlohmann::json& tree) {
  DialectsConfig dialects;
  dialects.bridge = read_bridge(tree);
  dialects.protoo = read_protoo(tree);
  dialects.party_rooms = read_party_rooms(tree);
  dialects.whip = read_whip(tree);
  dialects.socketio = read_socketio(tree);
  dialects.rtcio = read_rtcio(tree);
  dialects.wrtc_signal = read_wrtc_signal(tree);
  return dialects;
}

}  // namespace sluice::config
