#pragma once

#include <cstdint>
#include <string>

#include "control/rooms/ids.hpp"

/// What moderators do, as facts on the bus.
namespace sluice {

/// One line of the moderation log (contract section 21). `action` as on the wire: mute, unmute, kick, warn, lock:room,
/// unlock:room, report:abuse.
struct ModerationEntry {
  std::string action;
  std::string actor;   // peer id or "system"
  std::string target;  // peer id; empty: none
  RoomId room;
  std::string reason;
  std::int64_t ts = 0;  // Unix milliseconds
};

/// Something was done.
struct ModerationDone {
  ModerationEntry entry;
};
/// A member reported another.
struct AbuseReported {
  std::string reporter;
  std::string target;
  RoomId room;
  std::string category;
  std::string detail;
  std::int64_t ts = 0;
};

}  // namespace sluice
