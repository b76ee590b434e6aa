#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>

namespace sluice::rooms {

struct RateLimiterOptions {
  std::optional<std::uint32_t> maxConnPerMin = {};
  std::optional<std::uint32_t> maxMsgPerSec = {};
  std::optional<std::uint32_t> maxMsgPerMin = {};
  std::optional<std::int64_t> banDurationMs = {};
  std::optional<std::vector<std::string>> whitelist = {};
};

/// An address that is shut out.
struct Ban {
  std::string ip;
  std::int64_t expiresIn = 0;  // ms
};

/// Contract section 22. Events: `ip:banned`, `connection:blocked`, `signal:blocked`.
class SLUICE_API RateLimiter : public Module {
 public:
  explicit RateLimiter(const RateLimiterOptions& options = {});
  /// Error: invalid_params (no numeric address).
  void ban(const std::string& ip, std::optional<std::int64_t> ms = std::nullopt) const;
  void unban(const std::string& ip) const;
  [[nodiscard]] std::vector<Ban> bans() const;
};

struct ThreatDetectorOptions {
  Json thresholds = nullptr;  // an object of the names of contract section 23
  std::optional<std::vector<std::string>> whitelist = {};
  /// {level, threat, peer or null, ip, ts}
  std::function<void(const Json& threat)> onThreat = {};
};

/// Contract section 23. Events: `threat`, `ban`, `unban`.
class SLUICE_API ThreatDetector : public Module {
 public:
  explicit ThreatDetector(ThreatDetectorOptions options = {});
  [[nodiscard]] bool isBanned(const std::string& ip) const;
  /// An hour without `ms`. Error: invalid_params.
  void ban(const std::string& ip, std::optional<std::int64_t> ms = std::nullopt) const;
  void unban(const std::string& ip) const;
  [[nodiscard]] std::vector<Ban> bans() const;
  /// {bans, trackedPeers, whitelist}.
  [[nodiscard]] Json stats() const;
};

struct AuditLoggerOptions {
  std::optional<std::string> filePath = {};  // only before listen()
  std::optional<std::uint64_t> maxFileSizeBytes = {};
  std::optional<std::uint32_t> ringSize = {};
  std::function<void(const Json& entry)> sink = {};
  std::optional<bool> redactIp = {};
  std::optional<std::string> serviceName = {};
};

struct AuditQuery {
  std::int64_t limit = 100;
  std::optional<std::string> event = {};
  std::optional<std::string> peerId = {};
  std::optional<std::string> roomId = {};
  std::optional<std::int64_t> since = {};  // Unix ms, inclusive
};

/// Contract section 25. The event `entry` is what `sink` gets.
class SLUICE_API AuditLogger : public Module {
 public:
  explicit AuditLogger(AuditLoggerOptions options = {});
  void log(const std::string& event, const Json& fields = Json::object()) const;
  /// The last ones that fit, oldest first.
  [[nodiscard]] std::vector<Json> query(const AuditQuery& query = {}) const;
};

}  // namespace sluice::rooms
