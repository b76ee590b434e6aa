#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sluice::config {

/// `dialects.socketio`: the transport below rtc.io and wrtc-signal.
struct SocketioConfig {
  bool enabled = true;
  bool conformance = false;  // the echo of the protocol test suites, on loopback only, instead of the dialects
  std::chrono::milliseconds ping_interval{25'000};
  std::chrono::milliseconds ping_timeout{20'000};
  std::chrono::milliseconds upgrade_timeout{10'000};
  std::chrono::milliseconds connect_timeout{45'000};
  std::size_t max_payload_bytes = 1'000'000;
  std::uint32_t sessions_per_ip_max = 1024;
  std::chrono::milliseconds recovery{120'000};  // of rtc.io; 0: off
  std::size_t recovery_bytes_max = 33'554'432;
};

/// `dialects.rtcio`.
struct RtcioConfig {
  bool enabled = true;
  std::optional<std::uint16_t> port;  // one of its own, beside the shared one; 0 = any free one
  std::uint32_t max_peers_per_room = 256;
  std::uint32_t max_rooms_per_peer = 32;
  std::uint32_t messages_per_second = 100;  // 0: no limit
  bool require_shared_room = false;
};

/// `dialects.wrtcSignal`. Served only when both secrets are set.
struct WrtcSignalConfig {
  bool enabled = true;
  std::optional<std::uint16_t> port;  // one of its own, beside the shared one; 0 = any free one
  std::string app_secret;
  std::string app_pass;
  std::chrono::seconds token_lifetime{86'400};
  std::string ice_servers = "[]";  // JSON array, for visitors of the demo page
  std::string demo_token;          // the app token that they use; empty: they are asked for one
  std::string ownerless = "silent";
  bool legacy_silent_reject = false;
  std::uint32_t max_peers_per_room = 256;
};

/// From what was set explicitly, and for wrtc-signal from the variables APP_SECRET, APP_PASS and TOKEN_LIFETIME. Throw
/// ConfigError.
[[nodiscard]] SocketioConfig read_socketio(const nlohmann::json& tree);
[[nodiscard]] RtcioConfig read_rtcio(const nlohmann::json& tree);
[[nodiscard]] WrtcSignalConfig read_wrtc_signal(const nlohmann::json& tree);

}  // namespace sluice::config
