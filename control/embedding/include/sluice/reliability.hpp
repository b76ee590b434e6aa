#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>
#include <sluice/peer.hpp>

namespace sluice::rooms {

struct SessionManagerOptions {
  std::optional<std::int64_t> reconnectTtl = {};  // ms
  std::optional<std::uint32_t> maxQueueSize = {};
  std::optional<std::string> secret = {};
  std::optional<std::string> region = {};
  std::optional<std::int64_t> cleanupIntervalMs = {};
};

/// Contract section 10. Resuming, queueing for held peers and flushing happen in the server; what a program can do is here.
/// Events: `session:created`, `session:suspended`, `session:resumed`, `session:expired`, `session:migrated`.
class SLUICE_API SessionManager : public Module {
 public:
  explicit SessionManager(const SessionManagerOptions& options = {});
  /// The record without token and queue; nothing without a session.
  [[nodiscard]] std::optional<Json> getSession(const std::string& peerId) const;
  /// Keeps a message for a held peer, which gets it when it resumes; false when it is not held.
  bool enqueue(const Peer& peer, const Json& message) const;
  /// Its tokens die at once; false without a session.
  bool expire(const std::string& peerId) const;
  bool migrateSession(const std::string& peerId, const std::string& region) const;
  /// {active, suspended, total}.
  [[nodiscard]] Json stats() const;
};

struct EventReplayOptions {
  std::optional<std::uint32_t> capacity = {};
  std::optional<std::int64_t> replayTtlMs = {};
  std::optional<bool> replayOnReconnect = {};
  std::optional<std::vector<std::string>> replayableEvents = {};
};

/// Contract section 11. Events: `event:recorded`, `replayed`, `gap:detected`.
class SLUICE_API EventReplay : public Module {
 public:
  explicit EventReplay(const EventReplayOptions& options = {});
  /// Recorded events {seq, hash, type, roomId, peerId, payload, ts} after `seq`, oldest first.
  [[nodiscard]] std::vector<Json> since(std::int64_t seq) const;
  [[nodiscard]] std::vector<Json> roomEvents(const std::string& roomId, std::int64_t after = 0) const;
  /// How many were sent.
  std::int64_t replayToPeer(const Peer& peer, std::int64_t after) const;
  /// Nothing when it is there already.
  std::optional<Json> record(const std::string& type, const std::optional<std::string>& roomId,
                             const std::optional<std::string>& peerId, const Json& payload) const;
  [[nodiscard]] std::int64_t currentSeq() const;
  /// {size, seq, oldestSeq}.
  [[nodiscard]] Json stats() const;
};

struct BackpressureControllerOptions {
  std::optional<std::uint32_t> maxPeers = {};
  std::optional<std::int64_t> sampleIntervalMs = {};
  std::optional<bool> enableLoadShedding = {};
  std::optional<std::int64_t> joinSlowdownMs = {};
};

/// Contract section 24. Events: `load:normal`, `load:elevated`, `load:high`, `load:critical`, `load:shedding`.
class SLUICE_API BackpressureController : public Module {
 public:
  explicit BackpressureController(const BackpressureControllerOptions& options = {});
  /// {level, heapRatio, peerRatio, peerCount, maxPeers, heapUsedMb, heapTotalMb}.
  [[nodiscard]] Json status() const;
};

struct HealthMonitorOptions {
  Json slos = nullptr;  // a list of {name, target, op, severity}
  std::optional<std::int64_t> checkIntervalMs = {};
  std::optional<std::string> serviceName = {};
};

/// Contract section 27. Events: `slo:breach`, `slo:recovered`, `slo:recovery`, `health:check`.
class SLUICE_API HealthMonitor : public Module {
 public:
  explicit HealthMonitor(const HealthMonitorOptions& options = {});
  [[nodiscard]] Json report() const;
  [[nodiscard]] std::vector<Json> breaches() const;
  [[nodiscard]] bool isHealthy() const;
};

}  // namespace sluice::rooms
