#include "control/config/dialects_config.hpp"

#include <string_view>
#include "control/config/bridge_config.hpp"

#include "control/config/read_values.hpp"
#include "control/config/sources.hpp"

namespace sluice::config {

namespace {

template <typename T>
void read(const nlohmann::json& tree, std::string_view path, T& out) {
  if (const nlohmann::json* value = value_at(tree, path); value != nullptr && !value->is_null()) out = value->get<T>();
}

void read_ms(const nlohmann::json& tree, std::string_view path, std::chrono::milliseconds& out) {
  std::int64_t count = out.count();
  read(tree, path, count);
  out = std::chrono::milliseconds(count);
}

WhipConfig read_whip(const nlohmann::json& tree) {
  WhipConfig whip;
  read(tree, "dialects.whip.enabled", whip.enabled);
  read_ms(tree, "dialects.whip.connectTimeout", whip.connect_timeout);
  read(tree, "dialects.whip.maxSessions", whip.max_sessions);
  read_into(tree, "dialects.whip.port", whip.port);
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
