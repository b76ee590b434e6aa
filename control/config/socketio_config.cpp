#include "control/config/socketio_config.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "control/config/read_values.hpp"

namespace sluice::config {
namespace {

template <typename Unit>
void read_time(const nlohmann::json& tree, std::string_view path, Unit& out) {
  std::int64_t value = out.count();
  read_into(tree, path, value);
  out = Unit(value);
}

/// The reference's environment variable, where the configuration says nothing.
std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read before there is a second thread
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

}  // namespace

SocketioConfig read_socketio(const nlohmann::json& tree) {
  SocketioConfig config;
  read_into(tree, "dialects.socketio.enabled", config.enabled);
  read_into(tree, "dialects.socketio.conformance", config.conformance);
  read_time(tree, "dialects.socketio.pingInterval", config.ping_interval);
  read_time(tree, "dialects.socketio.pingTimeout", config.ping_timeout);
  read_time(tree, "dialects.socketio.upgradeTimeout", config.upgrade_timeout);
  read_time(tree, "dialects.socketio.connectTimeout", config.connect_timeout);
  read_into(tree, "dialects.socketio.maxPayload", config.max_payload_bytes);
  read_into(tree, "dialects.socketio.maxSessionsPerIp", config.sessions_per_ip_max);
  read_time(tree, "dialects.socketio.recovery", config.recovery);
  read_into(tree, "dialects.socketio.recoveryBytes", config.recovery_bytes_max);
  return config;
}

RtcioConfig read_rtcio(const nlohmann::json& tree) {
  RtcioConfig config;
  read_into(tree, "dialects.rtcio.enabled", config.enabled);
  read_into(tree, "dialects.rtcio.port", config.port);
  read_into(tree, "dialects.rtcio.maxPeersPerRoom", config.max_peers_per_room);
  read_into(tree, "dialects.rtcio.maxRoomsPerPeer", config.max_rooms_per_peer);
  read_into(tree, "dialects.rtcio.messagesPerSecond", config.messages_per_second);
  read_into(tree, "dialects.rtcio.requireSharedRoom", config.require_shared_room);
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
  read_into(tree, "dialects.wrtcSignal.enabled", config.enabled);
  read_into(tree, "dialects.wrtcSignal.port", config.port);
  read_into(tree, "dialects.wrtcSignal.appSecret", config.app_secret);
  read_into(tree, "dialects.wrtcSignal.appPass", config.app_pass);
  read_time(tree, "dialects.wrtcSignal.tokenLifetime", config.token_lifetime);
  read_into(tree, "dialects.wrtcSignal.demoToken", config.demo_token);
  if (const nlohmann::json* servers = value_at(tree, "dialects.wrtcSignal.iceServers");
      servers != nullptr && !servers->is_null()) {
    if (!servers->is_array())
      throw ConfigError("'dialects.wrtcSignal.iceServers' must be a list, such as [{urls: 'stun:stun.example.org'}].");
    config.ice_servers = servers->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  read_into(tree, "dialects.wrtcSignal.ownerless", config.ownerless);
  read_into(tree, "dialects.wrtcSignal.legacySilentReject", config.legacy_silent_reject);
  read_into(tree, "dialects.wrtcSignal.maxPeersPerRoom", config.max_peers_per_room);
  if (config.enabled && config.app_secret.empty() != config.app_pass.empty())
    throw ConfigError("'dialects.wrtcSignal' needs both appSecret and appPass; set the other one as well.");
  return config;
}

}  // namespace sluice::config
