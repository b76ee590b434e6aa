#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// Where lasting state lies (`store`).
struct StoreConfig {
  bool on_disk = true;
  std::string path;  // folder; empty: a place that the supervisor chooses
};

struct RateLimiterConfig {
  std::uint32_t connections_per_minute = 30;
  std::uint32_t messages_per_second = 30;
  std::uint32_t messages_per_minute = 300;
  std::uint32_t joins_per_room_per_minute = 0;    // 0: no limit
  std::uint32_t joins_per_tenant_per_minute = 0;  // 0: no limit
  std::chrono::milliseconds ban{60'000};
  std::vector<std::string> whitelist;
};

struct ThreatDetectorConfig {
  std::uint32_t max_conn_per_min_per_ip = 30;
  std::chrono::milliseconds conn_flood_ban{300'000};
  std::uint32_t max_signals_per_sec_per_peer = 50;
  std::uint32_t max_signals_per_min_per_peer = 500;
  std::uint32_t signal_flood_kick_threshold = 3;
  std::uint32_t max_join_leave_per_min_per_ip = 20;
  std::chrono::milliseconds room_cycling_ban{600'000};
  std::uint32_t max_sdp_per_min_per_peer = 10;
  std::size_t max_payload_bytes = 65536;
  std::uint32_t max_data_msg_per_sec_per_peer = 30;
  std::size_t max_metadata_patch_bytes = 4096;
  std::chrono::milliseconds idle_timeout{120'000};
  std::uint32_t max_broadcast_ratio = 50;
  std::vector<std::string> whitelist;
  bool media_is_activity = false;
};

struct BackpressureConfig {
  std::size_t max_peers = 10'000;
  std::chrono::milliseconds sample_interval{2'000};
  bool shedding = true;
  std::chrono::milliseconds join_slowdown{0};
  std::uint64_t memory_limit_bytes = 0;  // 0: the container's, else the machine's
};

struct AuditLoggerConfig {
  std::string file_path;  // empty: memory only
  std::uint64_t max_file_size = 104'857'600;
  std::size_t ring_size = 10'000;
  bool redact_ip = false;
  std::string redact_key;
  std::string chain_key;
  std::string service = "webrtc-rooms";
  std::string syslog;    // "unix:PATH" or "udp:HOST:PORT"
  std::string sink_url;  // entries are posted there
};

struct SessionManagerConfig {
  std::chrono::milliseconds ttl{15'000};
  std::size_t queue_max = 64;
  std::string secret;
  std::string region = "default";
  std::chrono::milliseconds cleanup_interval{5'000};
};

struct EventReplayConfig {
  std::size_t capacity = 10'000;
  std::chrono::milliseconds ttl{300'000};
  bool on_reconnect = true;
  std::vector<std::string> types;  // empty: those of the contract
};

struct RetentionPolicyConfig {
  std::uint32_t recording_days = 90;
  std::uint32_t audit_log_days = 365;
  std::uint32_t session_days = 30;
  std::chrono::milliseconds sweep_interval{3'600'000};
};

/// Limits, threats, backpressure, audit, sessions, replay, retention, and the store that keeps them. A module's part is
/// there when its key attaches it (contract section 38).
struct SecurityConfig {
  StoreConfig store;
  std::optional<RateLimiterConfig> rate_limiter;
  std::optional<ThreatDetectorConfig> threat_detector;
  std::optional<BackpressureConfig> backpressure;
  std::optional<AuditLoggerConfig> audit_logger;
  std::optional<SessionManagerConfig> session_manager;
  std::optional<EventReplayConfig> event_replay;
  std::optional<RetentionPolicyConfig> retention_policy;
  /// `rateLimit.whitelist`: addresses that the built-in limits for one address leave alone.
  std::vector<std::string> limit_exempt;
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] SecurityConfig read_security(const nlohmann::json& tree);

}  // namespace sluice::config
