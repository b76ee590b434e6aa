#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>

namespace sluice::rooms {

struct ModerationBusOptions {
  std::optional<bool> allowSelfUnmute = {};
};

/// Who does what to whom.
struct ModerationAct {
  std::string roomId;
  std::string targetId = {};
  std::string actorId = "system";  // a member's capability counts
  std::string reason = {};
};

struct ModerationQuery {
  std::optional<std::string> roomId = {};
  std::optional<std::string> actorId = {};
  std::int64_t limit = 100;
};

/// Contract section 21; on without any configuration. With a PolicyEngine attached, capabilities of members count (the
/// option `policyEngine` of the contract). The acts are false when the actor may not, or the target is no member of the
/// room. Events: `mute` and `muted`, `unmute` and `unmuted`, `kick` and `kicked`, `warn`, `action`, `room:locked`,
/// `room:unlocked`, `abuse:reported`.
class SLUICE_API ModerationBus : public Module {
 public:
  explicit ModerationBus(const ModerationBusOptions& options = {});
  bool mute(const ModerationAct& act) const;
  bool unmute(const ModerationAct& act) const;
  bool kick(const ModerationAct& act) const;
  bool warn(const ModerationAct& act) const;
  bool lockRoom(const std::string& roomId, const std::string& actorId = "system") const;
  bool unlockRoom(const std::string& roomId, const std::string& actorId = "system") const;
  [[nodiscard]] bool isMuted(const std::string& roomId, const std::string& peerId) const;
  [[nodiscard]] bool isLocked(const std::string& roomId) const;
  /// {action, actorId, targetId, roomId, reason, ts}, newest last.
  [[nodiscard]] std::vector<Json> log(const ModerationQuery& query = {}) const;

 private:
  bool act(const char* method, const ModerationAct& act) const;
};

struct E2EKeyExchangeOptions {
  std::optional<bool> requireKeyOnJoin = {};
  std::optional<std::int64_t> keyAnnouncementTimeoutMs = {};
  std::optional<std::vector<std::string>> allowedCurves = {};
};

/// Contract section 19. Events: `key:announced`, `key:rotated`, `key:revoked`.
class SLUICE_API E2EKeyExchange : public Module {
 public:
  explicit E2EKeyExchange(const E2EKeyExchangeOptions& options = {});
  /// {peerId, publicKey, curve, announcedAt, version}.
  [[nodiscard]] std::optional<Json> getPeerKey(const std::string& roomId, const std::string& peerId) const;
  [[nodiscard]] std::vector<Json> getRoomKeys(const std::string& roomId) const;
  /// [{roomId, peerCount}].
  [[nodiscard]] std::vector<Json> stats() const;
};

}  // namespace sluice::rooms
