#include "control/config/security_config.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "control/config/option.hpp"
#include "control/config/read_values.hpp"
#include "shm/types/address.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

/// Addresses, in one spelling.
void read_addresses(const json& tree, OptionPaths paths, std::vector<std::string>& out) {
  read(tree, paths, out);
  for (std::string& ip : out) {
    const auto parsed = SocketAddress::parse(ip, 0);
    if (!parsed) throw ConfigError("'" + ip + "' in '" + std::string(*paths.begin()) + "' is not a numeric IP address.");
    ip = parsed->ip_to_string();
  }
}

bool is_set(const json& tree, std::string_view path) {
  return first_set(tree, {path}) != nullptr;
}

RateLimiterConfig read_rate_limiter(const json& tree) {
  RateLimiterConfig config;
  // The contract's tree limits joins, its RateLimiter does not: no default of a module speaks against the tree's.
  if (is_set(tree, "rateLimit")) {
    config.joins_per_room_per_minute = 60;
    config.joins_per_tenant_per_minute = 500;
  }
  read(tree, {"rateLimiter.maxJoinsPerRoomPerMin", "rateLimit.maxJoinsPerRoomPerMin"}, config.joins_per_room_per_minute);
  read(tree, {"rateLimiter.maxJoinsPerTenantPerMin", "rateLimit.maxJoinsPerTenantPerMin"},
       config.joins_per_tenant_per_minute);
  read(tree, {"rateLimiter.maxConnPerMin", "rateLimit.maxConnPerMin"}, config.connections_per_minute);
  read(tree, {"rateLimiter.maxMsgPerSec", "rateLimit.maxMsgPerSec"}, config.messages_per_second);
  read(tree, {"rateLimiter.maxMsgPerMin", "rateLimit.maxMsgPerMin"}, config.messages_per_minute);
  read(tree, {"rateLimiter.banDurationMs", "rateLimit.banDurationMs"}, config.ban);
  read_addresses(tree, {"rateLimiter.whitelist", "rateLimit.whitelist"}, config.whitelist);
  return config;
}

/// The thresholds of contract section 23, by its names.
void read_thresholds(const json& map, ThreatDetectorConfig& config) {
  constexpr std::int64_t most = 2'000'000'000;
  const auto count = [](std::uint32_t& out) { return [&out](std::int64_t n) { out = static_cast<std::uint32_t>(n); }; };
  const auto size = [](std::size_t& out) { return [&out](std::int64_t n) { out = static_cast<std::size_t>(n); }; };
  const auto time = [](std::chrono::milliseconds& out) {
    return [&out](std::int64_t n) { out = std::chrono::milliseconds(n); };
  };
  const std::pair<std::string_view, std::function<void(std::int64_t)>> known[] = {
      {"maxConnPerMinPerIp", count(config.max_conn_per_min_per_ip)},
      {"connFloodBanMs", time(config.conn_flood_ban)},
      {"maxSignalsPerSecPerPeer", count(config.max_signals_per_sec_per_peer)},
      {"maxSignalsPerMinPerPeer", count(config.max_signals_per_min_per_peer)},
      {"signalFloodKickThreshold", count(config.signal_flood_kick_threshold)},
      {"maxJoinLeavePerMinPerIp", count(config.max_join_leave_per_min_per_ip)},
      {"roomCyclingBanMs", time(config.room_cycling_ban)},
      {"maxSdpPerMinPerPeer", count(config.max_sdp_per_min_per_peer)},
      {"maxPayloadBytes", size(config.max_payload_bytes)},
      {"maxDataMsgPerSecPerPeer", count(config.max_data_msg_per_sec_per_peer)},
      {"maxMetadataPatchBytes", size(config.max_metadata_patch_bytes)},
      {"idleTimeoutMs", time(config.idle_timeout)},
      {"maxBroadcastRatio", count(config.max_broadcast_ratio)},
  };
  if (!map.is_object()) throw ConfigError("'threatDetector.thresholds' must be a map of names to numbers.");
  for (const auto& [name, value] : map.items()) {
    const auto* entry = std::find_if(std::begin(known), std::end(known), [&](const auto& one) { return one.first == name; });
    if (entry == std::end(known)) throw ConfigError("'threatDetector.thresholds." + name + "' is not known.");
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > most)
      throw ConfigError("'threatDetector.thresholds." + name + "' must be a whole number from 0 to 2000000000.");
    entry->second(value.get<std::int64_t>());
  }
}

ThreatDetectorConfig read_threat_detector(const json& tree) {
  ThreatDetectorConfig config;
  if (const json* map = first_set(tree, {"threatDetector.thresholds"})) read_thresholds(*map, config);
  read_addresses(tree, {"threatDetector.whitelist"}, config.whitelist);
  read(tree, "threatDetector.mediaIsActivity", config.media_is_activity);
  return config;
}

BackpressureConfig read_backpressure(const json& tree) {
  BackpressureConfig config;
  read(tree, "backpressure.maxPeers", config.max_peers);
  read(tree, "backpressure.sampleIntervalMs", config.sample_interval);
  read(tree, "backpressure.enableLoadShedding", config.shedding);
  read(tree, "backpressure.joinSlowdownMs", config.join_slowdown);
  read(tree, "backpressure.memoryLimitBytes", config.memory_limit_bytes);
  return config;
}

AuditLoggerConfig read_audit_logger(const json& tree) {
  AuditLoggerConfig config;
  read(tree, "auditLogger.filePath", config.file_path);
  read(tree, "auditLogger.maxFileSizeBytes", config.max_file_size);
  read(tree, "auditLogger.ringSize", config.ring_size);
  read(tree, "auditLogger.redactIp", config.redact_ip);
  read(tree, "auditLogger.redactKey", config.redact_key);
  read(tree, "auditLogger.chainKey", config.chain_key);
  read(tree, "auditLogger.serviceName", config.service);
  read(tree, "auditLogger.syslog", config.syslog);
  read(tree, "auditLogger.sinkUrl", config.sink_url);
  if (!config.syslog.empty() && !config.syslog.starts_with("unix:") && !config.syslog.starts_with("udp:"))
    throw ConfigError("'auditLogger.syslog' must be unix:PATH or udp:HOST:PORT.");
  if (config.file_path.ends_with('/')) throw ConfigError("'auditLogger.filePath' names a folder; name a file in it.");
  return config;
}

SessionManagerConfig read_session_manager(const json& tree) {
  SessionManagerConfig config;
  read(tree, "sessionManager.reconnectTtl", config.ttl);
  read(tree, "sessionManager.maxQueueSize", config.queue_max);
  read(tree, "sessionManager.secret", config.secret);
  read(tree, {"sessionManager.region", "region.id"}, config.region);
  read(tree, "sessionManager.cleanupIntervalMs", config.cleanup_interval);
  return config;
}

EventReplayConfig read_event_replay(const json& tree) {
  EventReplayConfig config;
  read(tree, "eventReplay.capacity", config.capacity);
  read(tree, "eventReplay.replayTtlMs", config.ttl);
  read(tree, "eventReplay.replayOnReconnect", config.on_reconnect);
  read(tree, "eventReplay.replayableEvents", config.types);
  return config;
}

RetentionPolicyConfig read_retention_policy(const json& tree) {
  RetentionPolicyConfig config;
  // The contract's tree says one number for everything; 0 is for ever.
  std::uint32_t days = 0;
  read(tree, "compliance.retentionDays", days);
  constexpr std::uint32_t for_ever = 36'500;
  if (is_set(tree, "compliance.retentionDays")) {
    config.recording_days = config.audit_log_days = config.session_days = days == 0 ? for_ever : days;
  }
  read(tree, "retentionPolicy.recordingRetentionDays", config.recording_days);
  read(tree, "retentionPolicy.auditLogRetentionDays", config.audit_log_days);
  read(tree, "retentionPolicy.sessionRetentionDays", config.session_days);
  read(tree, "retentionPolicy.sweepIntervalMs", config.sweep_interval);
  return config;
}

}  // namespace

SecurityConfig read_security(const json& tree) {
  SecurityConfig config;
  read(tree, "store.path", config.store.path);
  if (config.store.path == "off") config.store = {false, ""};
  if (attached(tree, "rateLimiter") || is_set(tree, "rateLimit")) config.rate_limiter = read_rate_limiter(tree);
  if (attached(tree, "threatDetector")) config.threat_detector = read_threat_detector(tree);
  if (attached(tree, "backpressure")) config.backpressure = read_backpressure(tree);
  bool audit_wanted = false;
  read(tree, "compliance.auditLog", audit_wanted);
  if (attached(tree, "auditLogger") || audit_wanted) config.audit_logger = read_audit_logger(tree);
  if (attached(tree, "sessionManager")) config.session_manager = read_session_manager(tree);
  if (attached(tree, "eventReplay")) config.event_replay = read_event_replay(tree);
  if (attached(tree, "retentionPolicy") || is_set(tree, "compliance.retentionDays"))
    config.retention_policy = read_retention_policy(tree);
  read_addresses(tree, {"rateLimit.whitelist"}, config.limit_exempt);
  return config;
}

}  // namespace sluice::config
