#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"

namespace sluice {

/// Why a member's media is not forwarded. Reasons add up: media flows again when the last one is gone.
enum class Restriction : std::uint8_t {
  muted,      // by a moderator
  consent,    // what the server requires was not consented to, or the consent was withdrawn
  residency,  // the member or its room is where it may not be
  policy,     // its capabilities do not allow it
  token,      // its room token does not
  unknown,    // what was decided last was lost with the process that knew it: closed until the membership ends
};

enum class MediaDirection : std::uint8_t {
  send,     // what the member sends reaches nobody
  receive,  // nobody's media reaches the member
};

/// What holds of one member; carried by Peer and survives control's restart. The media side obeys it for every packet,
/// whatever the client does (design: policy lives in the forwarding table).
struct Restrictions {
  std::uint32_t send = 0;  // bit i: Restriction i
  std::uint32_t receive = 0;
  std::uint64_t epoch = 0;  // rises with every change

  [[nodiscard]] constexpr bool may_send() const noexcept { return send == 0; }
  [[nodiscard]] constexpr bool may_receive() const noexcept { return receive == 0; }
  [[nodiscard]] constexpr bool has(Restriction why, MediaDirection direction) const noexcept {
    return ((direction == MediaDirection::send ? send : receive) >> static_cast<unsigned>(why) & 1U) != 0;
  }
  /// True when that changed anything.
  constexpr bool set(Restriction why, MediaDirection direction, bool on) noexcept {
    if (has(why, direction) == on) return false;
    (direction == MediaDirection::send ? send : receive) ^= 1U << static_cast<unsigned>(why);
    ++epoch;
    return true;
  }
  friend bool operator==(const Restrictions&, const Restrictions&) = default;
};

/// What a member asks to do, where somebody may object (contract section 12). Each is also the name of the capability.
enum class MemberAction : std::uint8_t { publish, subscribe, data, record };
inline constexpr std::size_t member_actions = 4;
[[nodiscard]] constexpr std::string_view to_string(MemberAction action) noexcept {
  switch (action) {
    case MemberAction::publish:
      return "publish";
    case MemberAction::subscribe:
      return "subscribe";
    case MemberAction::data:
      return "data";
    case MemberAction::record:
      break;
  }
  return "record";
}

/// Whoever says what members may do. With several, all must agree.
class Permissions {
 public:
  virtual ~Permissions() = default;
  [[nodiscard]] virtual bool allows(const PeerId& peer, MemberAction action) const = 0;
};

/// Whoever says which rooms there may be. With several, all must agree.
class RoomGuard {
 public:
  virtual ~RoomGuard() = default;
  /// Whether a room may have this metadata: at its creation, and when server-side code changes it. May publish facts.
  [[nodiscard]] virtual bool allows(const RoomId& room, const Metadata& metadata) = 0;
};

}  // namespace sluice
