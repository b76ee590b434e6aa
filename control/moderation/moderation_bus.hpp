#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/moderation/facts.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice {

struct ModerationOptions {
  bool allow_self_unmute = true;
  std::size_t log_max = 10'000;        // entries kept, the oldest goes
  std::size_t text_bytes_max = 2'048;  // of a reason or detail in the log; on the wire they are whole
};

/// Why an action did nothing.
enum class ModerationError : std::uint8_t {
  unauthorized,  // the actor lacks the capability
  not_found,     // no such room, or the target is no member of it
};

/// Moderation (contract section 21): mutes, kicks, warnings, locks, reports. A muted member is restricted: the data plane
/// forwards nothing that it sends, whatever its client does. Mutes and locks survive control's restart; a mute ends with the
/// membership, a lock with the room.
class ModerationBus final : public AdmissionStep {
 public:
  /// Whether a member has the capability `moderate` or `kick`. Empty: everybody has.
  using HasCapability = std::function<bool(const PeerId&, std::string_view capability)>;
  static constexpr std::string_view system_actor = "system";

  /// Borrowed for life. Registers itself with `rooms`.
  ModerationBus(Rooms& rooms, Bus& bus, StateLog& log, ModerationOptions options, HasCapability has_capability,
                std::function<std::int64_t()> unix_ms);
  ModerationBus(const ModerationBus&) = delete;
  ModerationBus& operator=(const ModerationBus&) = delete;

  struct Act {
    RoomId room;
    PeerId target;      // not of locks
    std::string actor;  // a peer id or "system"; of a member of the server its capability counts
    std::string reason;
  };
  using Outcome = Result<void, ModerationError>;
  Outcome mute(const Act& act);
  /// Without capability of oneself, when that is allowed; the reason is then `self-unmute`.
  Outcome unmute(const Act& act);
  Outcome kick(const Act& act);
  Outcome warn(const Act& act);
  Outcome lock_room(const Act& act);
  Outcome unlock_room(const Act& act);
  struct Report {
    PeerId reporter;
    std::string target;
    std::string category;
    std::string detail;
  };
  /// A member's report; needs no capability. Does nothing for who is in no room.
  void report(const Report& report);

  [[nodiscard]] bool is_muted(const PeerId& peer) const;
  [[nodiscard]] bool is_locked(const RoomId& room) const { return locks_.contains(room); }
  [[nodiscard]] std::vector<PeerId> muted_in(const RoomId& room) const;
  struct LogQuery {
    std::optional<RoomId> room;
    std::optional<std::string> actor;
    std::size_t limit = 100;
  };
  /// The newest `limit` that fit, newest last.
  [[nodiscard]] std::vector<ModerationEntry> log(const LogQuery& query) const;
  /// Takes over what was logged before this process began, oldest first.
  void restore_log(std::vector<ModerationEntry> entries);

  // --- the door
  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::room_lock; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;

 private:
  [[nodiscard]] bool authorized(const Act& act, std::string_view capability) const;
  [[nodiscard]] bool on_target(const Act& act) const;
  void note(std::string action, const Act& act, const std::string& reason);
  void tell(const PeerId& peer, std::string_view type, const Act& act, const std::string& reason);

  Rooms& rooms_;
  Bus& bus_;
  StateLog& state_;
  ModerationOptions options_;
  HasCapability has_capability_;
  std::function<std::int64_t()> unix_ms_;
  std::map<RoomId, std::string> locks_;  // by whom
  std::deque<ModerationEntry> log_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
