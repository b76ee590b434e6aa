#include "control/config/socketio_config.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "control/config/read_values.hpp"

namespace sluice::config {
namespace {

/// The reference's environment variable, where the configuration says nothing.
std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read before there is a second thread
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

}  // namespace

SocketioConfig read_socketio(const nlohmann::json& tree) {
  SocketioConfig config;
  read(tree, "dialects.socketio.enabled", config.enabled);
  read(tree, "dialects.socketio.conformance", config.conformance);
  read(tree, "dialects.socketio.pingInterval", config.ping_interval);
  read(tree, "dialects.socketio.pingTimeout", config.ping_timeout);
  read(tree, "dialects.socketio.upgradeTimeout", config.upgrade_timeout);
  read(tree, "dialects.socketio.connectTimeout", config.connect_timeout);
  read(tree, "dialects.socketio.maxPayload", config.max_payload_bytes);
  read(tree, "dialects.socketio.maxSessionsPerIp", config.sessions_per_ip_max);
  read(tree, "dialects.socketio.recovery", config.recovery);
  read(tree, "dialects.socketio.recoveryBytes", config.recovery_bytes_max);
  return config;
}

RtcioConfig read_rtcio(const nlohmann::json& tree) {
  RtcioConfig config;
  read(tree, "dialects.rtcio.enabled", config.enabled);
  read(tree, "dialects.rtcio.port", config.port);
  read(tree, "dialects.rtcio.maxPeersPerRoom", config.max_peers_per_room);
  read(tree, "dialects.rtcio.maxRoomsPerPeer", config.max_rooms_per_peer);
  read(tree, "dialects.rtcio.messagesPerSecond", config.messages_per_second);
  read(tree, "dialects.rtcio.requireSharedRoom", config.require_shared_room);
  return config;
}

WrtcSignalConfig read_wrtc_signal(const nlohmann::json& tree) {
  WrtcSignalConfig config;
  config.app_secret = environment("APP_SECRET");
  config.app_pass = environment("APP_PASS");
  if (const std::string_view lifetime = environment("TOKEN_LIFETIME"); !lifetime.empty()) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(lifetime.data(), lifetime.data() + lifetime.size(), seconds);
    if (error != std::errc{} || end != lifetime.data() + lifetime.size() || seconds < 1)
      throw ConfigError("TOKEN_LIFETIME in the environment is not a number of seconds: '" + std::string(lifetime) + "'.");
    config.token_lifetime = std::chrono::seconds(seconds);
  }
  read(tree, "dialects.wrtcSignal.enabled", config.enabled);
  read(tree, "dialects.wrtcSignal.port", config.port);
  read(tree, "dialects.wrtcSignal.appSecret", config.app_secret);
  read(tree, "dialects.wrtcSignal.appPass", config.app_pass);
  read(tree, "dialects.wrtcSignal.tokenLifetime", config.token_lifetime);
  read(tree, "dialects.wrtcSignal.demoToken", config.demo_token);
  if (const nlohmann::json* servers = value_at(tree, "dialects.wrtcSignal.iceServers");
      servers != nullptr && !servers->is_null()) {
    if (!servers->is_array())
      throw ConfigError("'dialects.wrtcSignal.iceServers' must be a list, such as [{urls: 'stun:stun.example.org'}].");
    config.ice_servers = servers->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  read(tree, "dialects.wrtcSignal.ownerless", config.ownerless);
  read(tree, "dialects.wrtcSignal.legacySilentReject", config.legacy_silent_reject);
  read(tree, "dialects.wrtcSignal.maxPeersPerRoom", config.max_peers_per_room);
  if (config.enabled && config.app_secret.empty() != config.app_pass.empty())
    throw ConfigError("'dialects.wrtcSignal' needs both appSecret and appPass; set the other one as well.");
  return config;
}

}  // namespace sluice::config
