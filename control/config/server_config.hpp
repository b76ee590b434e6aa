#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/config/api_config.hpp"
#include "control/config/dialects_config.hpp"
#include "control/config/observability_config.hpp"
#include "control/config/policy_config.hpp"
#include "control/config/security_config.hpp"
#include "shm/types/address.hpp"

namespace sluice::config {

struct TlsFiles {
  std::string cert;  // PEM, leaf first
  std::string key;   // PEM
};

struct SignalingConfig {
  std::string host;  // empty: all addresses
  std::uint16_t port = 3000;
  std::optional<TlsFiles> tls;
  std::vector<std::string> allowed_origins;
  std::uint32_t max_peers_per_room = 50;
  std::uint32_t max_room_id_bytes = 512;
  std::size_t max_message_bytes = 1048576;
  bool auto_create_rooms = true;
  bool auto_destroy_rooms = true;
  bool relay_control_payloads = false;
  bool trust_proxy = false;
  std::chrono::milliseconds ping_interval{30000};
  std::chrono::milliseconds reconnect_ttl{0};
};

enum class EngineChoice : std::uint8_t { automatic, io_uring, mmsg };

struct MediaConfig {
  std::uint16_t port = 40000;              // of worker 0
  std::vector<SocketAddress> listen;       // ports are zero; at most one of each family
  std::vector<std::string> announced_ips;  // numeric; empty: the host's own addresses
  EngineChoice engine = EngineChoice::automatic;
};

struct WorkersConfig {
  std::uint16_t count = 1;
  std::vector<std::uint16_t> cores;  // empty: not pinned; else one for each worker
  std::uint16_t spares = 1;          // started workers that wait for a place
};

struct NativeSfuConfig {
  bool enabled = true;
  std::string region = "default";
  bool simulcast = true;
  bool dtx = true;
  std::uint32_t max_rooms_per_worker = 100;
};

struct AdminApiConfig {
  bool enabled = true;
  std::string host = "127.0.0.1";
  std::uint16_t port = 4000;
  std::string secret;  // empty: none
  std::string prefix = "/admin";
};

enum class SeccompMode : std::uint8_t { enforce, log, off };

struct IsolationConfig {
  bool users = true;
  std::uint32_t first_user = 60900;
  SeccompMode seccomp = SeccompMode::enforce;
};

struct DrainConfig {
  std::uint32_t on_sigterm = 0;  // seconds that calls get to end; 0: none
};

enum class LogFormat : std::uint8_t { line, json };
enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct LogConfig {
  LogFormat format = LogFormat::line;
  LogLevel level = LogLevel::info;
};

/// Everything that the programs need to know, with defaults filled in.
struct ServerConfig {
  SignalingConfig signaling;
  MediaConfig media;
  WorkersConfig workers;
  NativeSfuConfig native_sfu;
  AdminApiConfig admin_api;
  DrainConfig drain;
  IsolationConfig isolation;
  LogConfig log;
  PolicyConfig policy;
  SecurityConfig security;
  ObservabilityConfig observability;
  ApiConfig api;
  DialectsConfig dialects;
  nlohmann::json tree = nlohmann::json::object();  // what all of this was read from: what was set explicitly
};

/// Resolves what was set explicitly (sources.hpp) to a whole configuration: media/workers over a module's own key over the
/// server/sfu tree over defaults. `cpu_count` is what this machine has. Throws ConfigError on contradictions.
[[nodiscard]] ServerConfig resolve(const nlohmann::json& explicit_tree, unsigned cpu_count);

}  // namespace sluice::config
