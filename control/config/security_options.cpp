// Limits, threats, backpressure, audit, sessions, replay, retention, and the store that keeps them.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

// Defaults and ranges are those of contract sections 10, 11, 22 to 25, 32 and 38; an upper end that it leaves open is what
// the code can carry.
constexpr std::array options{
    Option{"auditLogger.chainKey", text, "", "key of the hash chain over the audit log; without it lines are numbered only"},
    Option{"auditLogger.filePath", text, "", "file of the audit log; without it the last entries are kept in memory only"},
    Option{"auditLogger.maxFileSizeBytes", integer, "104857600",
           "size at which the audit file is renamed and a new one begun", 4096, 1099511627776},
    Option{"auditLogger.redactIp", boolean, "false", "write a hash in place of each address"},
    Option{"auditLogger.redactKey", text, "", "key of that hash; without it a plain SHA-256"},
    Option{"auditLogger.ringSize", integer, "10000", "entries that are kept in memory", 1, 1000000},
    Option{"auditLogger.serviceName", text, "webrtc-rooms", "`service` of every entry"},
    Option{"auditLogger.sinkUrl", text, "", "URL that entries are posted to as well"},
    Option{"auditLogger.syslog", text, "", "syslog daemon that gets entries as well: unix:PATH or udp:HOST:PORT"},
    Option{"backpressure.enableLoadShedding", boolean, "true", "at level shedding, put out 5 % of the peers in each sample"},
    Option{"backpressure.joinSlowdownMs", integer, "0", "delay of joins at level elevated", 0, 60000},
    Option{"backpressure.maxPeers", integer, "10000", "connected peers that the server is made for", 1, 10000000},
    Option{"backpressure.memoryLimitBytes", integer, "0",
           "memory that control may use; 0: the limit of its container, else the machine's memory", 0, 1099511627776},
    Option{"backpressure.sampleIntervalMs", integer, "2000", "how often the level is computed", 100, 3600000},
    Option{"compliance.auditLog", boolean, "false", "attach auditLogger"},
    Option{"compliance.auditLogFormat", text, "json", "accepted for old configurations; entries are JSON lines", 0, 0,
           "json|structured"},
    Option{"compliance.residencyRegion", text, "",
           "attaches dataResidency with this local region, unless that names another"},
    Option{"compliance.retentionDays", integer, "0", "days for which every kind of record is kept; 0: for ever", 0, 36500},
    Option{"eventReplay.capacity", integer, "10000", "events that are kept, the oldest go first", 1, 1000000},
    Option{"eventReplay.redisUrl", text, "", "accepted for old configurations; events lie in the store"},
    Option{"eventReplay.replayOnReconnect", boolean, "true", "send missed events to clients that say what they have seen"},
    Option{"eventReplay.replayTtlMs", integer, "300000", "age up to which events are replayed", 0, 31536000000},
    Option{"eventReplay.replayableEvents", text_list, "",
           "types of messages that are recorded; default: those of the contract"},
    Option{"rateLimit.banDurationMs", integer, "60000", "as rateLimiter.banDurationMs, which wins", 1, 31536000000},
    Option{"rateLimit.maxConnPerMin", integer, "20", "as rateLimiter.maxConnPerMin, which wins", 1, 1000000},
    Option{"rateLimit.maxJoinsPerRoomPerMin", integer, "60",
           "as rateLimiter.maxJoinsPerRoomPerMin, which wins; holds as soon as anything of rateLimit is set", 1, 1000000},
    Option{"rateLimit.maxJoinsPerTenantPerMin", integer, "500",
           "as rateLimiter.maxJoinsPerTenantPerMin, which wins; holds as soon as anything of rateLimit is set", 1, 1000000},
    Option{"rateLimit.maxMsgPerMin", integer, "200", "as rateLimiter.maxMsgPerMin, which wins", 1, 10000000},
    Option{"rateLimit.maxMsgPerSec", integer, "30", "as rateLimiter.maxMsgPerSec, which wins", 1, 1000000},
    Option{"rateLimit.whitelist", text_list, "[127.0.0.1, \"::1\"]", "as rateLimiter.whitelist, which wins"},
    Option{"rateLimiter.banDurationMs", integer, "60000", "ms for which an address with too many connections is shut out", 1,
           31536000000},
    Option{"rateLimiter.maxConnPerMin", integer, "30", "connections of one address in a minute", 1, 1000000},
    Option{"rateLimiter.maxJoinsPerRoomPerMin", integer, "0", "joins of one room in a minute; 0: no limit", 0, 1000000},
    Option{"rateLimiter.maxJoinsPerTenantPerMin", integer, "0",
           "joins in a minute of all who have the same metadata `__tenant`, which policy tokens (`tenant`) and beforeJoin "
           "give; 0: no limit",
           0, 1000000},
    Option{"rateLimiter.maxMsgPerMin", integer, "300", "messages of one peer in a minute", 1, 10000000},
    Option{"rateLimiter.maxMsgPerSec", integer, "30", "messages of one peer in a second", 1, 1000000},
    Option{"rateLimiter.whitelist", text_list, "", "addresses exempt from the limit on connections"},
    Option{"retentionPolicy.auditLogRetentionDays", integer, "365", "days for which records of type auditLog are kept", 0,
           36500},
    Option{"retentionPolicy.onExpiryUrl", text, "", "HTTP callback: POST {type, id, meta, reason} of each deleted record"},
    Option{"retentionPolicy.onPurgeUrl", text, "", "HTTP callback: POST {sub, records} when a subject's records are erased"},
    Option{"retentionPolicy.recordingRetentionDays", integer, "90", "days for which recordings are kept", 0, 36500},
    Option{"retentionPolicy.sessionRetentionDays", integer, "30", "days for which sessions and all other records are kept",
           0, 36500},
    Option{"retentionPolicy.sweepIntervalMs", integer, "3600000", "how often expired records are looked for", 1000,
           86400000},
    Option{"sessionManager.cleanupIntervalMs", integer, "5000", "how often the store is told that the server lives", 100,
           3600000},
    Option{"sessionManager.maxQueueSize", integer, "64", "messages that are kept for a dropped peer", 0, 10000},
    Option{"sessionManager.reconnectTtl", integer, "15000",
           "ms for which a dropped peer keeps its place; signaling.reconnectTtl counts if it is larger", 0, 86400000},
    Option{"sessionManager.redisUrl", text, "", "accepted for old configurations; sessions lie in the store"},
    Option{"sessionManager.region", text, "default", "region of sessions; default: region.id"},
    Option{"sessionManager.secret", text, "", "secret that signs session tokens; default: a random one, kept in the store"},
    Option{"store.path", text, "",
           "folder of lasting state (SQLite); off: state outlives control, not the server; default: $STATE_DIRECTORY/store, "
           "else store-PORT in /var/lib/sluice (root), $XDG_STATE_HOME/sluice or ~/.local/state/sluice"},
    Option{"threatDetector.mediaIsActivity", boolean, "false", "a peer whose media is connected is never idle"},
    Option{"threatDetector.onThreatUrl", text, "", "HTTP callback: POST {level, threat, peer, ip, ts} of each threat"},
    Option{"threatDetector.thresholds", OptionType::json, "", "map of thresholds by the contract's names"},
    Option{"threatDetector.whitelist", text_list, "", "addresses exempt from automatic bans, beside 127.0.0.1 and ::1"},
};

}  // namespace

std::span<const Option> security_options() noexcept {
  return options;
}

}  // namespace sluice::config
