#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>

namespace sluice::rooms {

struct ConsentFlowOptions {
  std::optional<std::vector<std::string>> required = {};
  std::optional<bool> allParty = {};
  std::optional<std::string> consentVersion = {};
  std::optional<std::int64_t> consentTimeoutMs = {};
};

/// Contract section 20. Events: `consent:required`, `consent:granted`, `consent:withdrawn`, `room:consent:complete`.
class SLUICE_API ConsentFlow : public Module {
 public:
  explicit ConsentFlow(const ConsentFlowOptions& options = {});
  /// {peerId, roomId, types, version, grantedAt, ip}; nothing without a record.
  [[nodiscard]] std::optional<Json> getConsent(const std::string& roomId, const std::string& peerId) const;
  [[nodiscard]] bool hasConsented(const std::string& roomId, const std::string& peerId, const std::string& type) const;
  /// The room exists, is not empty, and every member consented.
  [[nodiscard]] bool roomHasConsent(const std::string& roomId, const std::string& type) const;
  [[nodiscard]] std::vector<Json> getRoomConsents(const std::string& roomId) const;
  /// Error: invalid_params (an unknown type).
  void recordConsent(const std::string& roomId, const std::string& peerId, const std::vector<std::string>& types) const;
  /// [{roomId, totalPeers, consented, allConsented}].
  [[nodiscard]] std::vector<Json> stats() const;
};

struct DataResidencyOptions {
  std::string localRegion = {};  // required
  std::optional<std::vector<std::string>> allowedRegions = {};
  /// The region of an address; empty: unknown, which admits.
  std::function<std::string(const std::string& ip)> geoLookup = {};
  std::optional<bool> enforceRoomRegion = {};
  std::optional<bool> enforcePeerRegion = {};
  std::optional<std::string> violationAction = {};  // reject, warn
};

/// Contract section 31. Events: `violation`, `room:rejected`, `peer:rejected`.
class SLUICE_API DataResidency : public Module {
 public:
  explicit DataResidency(DataResidencyOptions options);
  [[nodiscard]] bool isAllowed(const std::string& region) const;
  /// Nothing when it is unknown.
  [[nodiscard]] std::optional<std::string> resolveRegion(const std::string& ip) const;
  /// The object with `__region`.
  [[nodiscard]] Json tag(Json object) const;
  /// {localRegion, allowedRegions, geoCacheSize, enforceRoom, enforcePeer}.
  [[nodiscard]] Json stats() const;
};

struct RetentionPolicyOptions {
  std::optional<std::uint32_t> recordingRetentionDays = {};
  std::optional<std::uint32_t> auditLogRetentionDays = {};
  std::optional<std::uint32_t> sessionRetentionDays = {};
  std::function<void(const Json& record)> onExpiry = {};  // {type, id, meta, reason}
  std::function<void(const Json& purge)> onPurge = {};    // {sub, records}
  std::optional<std::int64_t> sweepIntervalMs = {};
};

struct RetentionRecord {
  std::string id;
  std::string type;
  std::string sub;
  Json meta = Json::object();
};

/// Contract section 32. Events: `record:purged`, `record:held`, `purge:complete`, `data:purged`, `data:expired`,
/// `hold:placed`, `hold:released`.
class SLUICE_API RetentionPolicy : public Module {
 public:
  explicit RetentionPolicy(RetentionPolicyOptions options = {});
  /// {id, type, sub, expiresAt, meta, legalHold}. (`register` is a keyword.)
  Json registerRecord(const RetentionRecord& record) const;
  void placeLegalHold(const std::string& sub) const;
  void releaseLegalHold(const std::string& sub) const;
  /// Deletes all that has expired: {purged, held, skipped}.
  Json purge(bool dryRun = false) const;
  /// Erases all of a subject: {purged, held}.
  Json purge(const std::string& sub) const;
  Json purge(const char* sub) const { return purge(std::string(sub)); }
  std::int64_t anonymise(const std::string& sub) const;
  [[nodiscard]] std::vector<Json> recordsFor(const std::string& sub) const;
  [[nodiscard]] std::vector<Json> expiringWithin(std::int64_t ms) const;
  /// {total, expired, held, active, legalHoldSubjects}.
  [[nodiscard]] Json stats() const;
};

}  // namespace sluice::rooms
