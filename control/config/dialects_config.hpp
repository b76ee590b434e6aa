#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/config/party_rooms_config.hpp"
#include "control/config/protoo_config.hpp"
#include "control/config/socketio_config.hpp"

namespace sluice::config {

/// `dialects.whip`: WHIP and WHEP.
struct WhipConfig {
  bool enabled = true;
  std::chrono::milliseconds connect_timeout{30000};  // of a session's media
  std::uint32_t max_sessions = 10000;
  std::optional<std::uint16_t> port;  // one of its own, beside the shared one; 0 = any free one
};

/// The client protocols beside the native one. A module's part is there when its key attaches it (contract section 38).
struct DialectsConfig {
  std::vector<std::vector<std::string>> bridge{{"native", "whip"}};  // dialects that share rooms
  ProtooConfig protoo;
  PartyRoomsConfig party_rooms;
  WhipConfig whip;
  SocketioConfig socketio;
  RtcioConfig rtcio;
  WrtcSignalConfig wrtc_signal;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] DialectsConfig read_dialects(const nlohmann::json& tree);

}  // namespace sluice::config
