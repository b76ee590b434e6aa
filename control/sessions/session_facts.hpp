#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"

namespace sluice {

/// Where a session is in its life (contract section 10).
enum class SessionState : std::uint8_t {
  created,
  active,     // joined
  suspended,  // its connection is lost, its place is kept
  resumed,    // back again
  expired,    // over: left, put out, not back in time, or made to expire
  migrated,   // handed to another region
};
[[nodiscard]] constexpr std::string_view to_string(SessionState state) noexcept {
  switch (state) {
    case SessionState::created:
      return "created";
    case SessionState::active:
      return "active";
    case SessionState::suspended:
      return "suspended";
    case SessionState::resumed:
      return "resumed";
    case SessionState::expired:
      return "expired";
    case SessionState::migrated:
      break;
  }
  return "migrated";
}

/// A session as others may see it: without its token.
struct SessionInfo {
  PeerId id;
  RoomId room;
  Metadata metadata;
  SessionState state = SessionState::created;
  std::int64_t created_at = 0;    // Unix milliseconds
  std::int64_t suspended_at = 0;  // 0 until suspended
  std::int64_t ttl = 0;           // milliseconds
  std::size_t queued = 0;
  std::string region;
};

/// `session:created`, `session:suspended`, `session:resumed`, `session:expired`, `session:migrated`: by `session.state`.
struct SessionChanged {
  SessionInfo session;
  std::optional<std::string> target_region;  // migrated only
};

}  // namespace sluice
