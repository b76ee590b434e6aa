#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/rooms/ids.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Every client protocol that has rooms, by the name that Peer::dialect() and the configuration (`dialects.NAME`) have for
/// it. WHIP and WHEP are one dialect.
inline constexpr std::array<std::string_view, 6> dialect_names = {"native",     "protoo",     "rtcio",
                                                                  "wrtcSignal", "partyRooms", "whip"};

/// Which dialects share rooms (`dialects.bridge`): groups of dialect names. A dialect in no group has rooms of its own.
using BridgeGroups = std::vector<std::vector<std::string>>;

/// What each dialect calls a room, and the one id that the core has for it.
///
/// Rooms of different dialects are different rooms, unless the dialects are bridged; then the same name is the same room.
/// `native`, and what is bridged with it, has plain names: the id is the name. Any other group's ids are `DIALECT:name`,
/// after the group's first dialect. A plain name that begins with such a prefix becomes `native:name`, so that no client
/// gets into another dialect's room by its choice of a name. Within one dialect, different names give different ids, and
/// each id gives back its name, byte for byte.
///
/// Which prefixes are reserved does not depend on the configuration, so that ids of rooms survive a change of it.
class RoomNames {
 public:
  /// `native` and `whip` together, all others apart.
  RoomNames();
  /// Nothing but a sentence for the operator when a name is unknown, or in two groups or twice in one.
  [[nodiscard]] static Result<RoomNames, std::string> bridging(const BridgeGroups& groups);

  /// The id of the room that clients of `dialect` (one of dialect_names) call `name`.
  [[nodiscard]] RoomId id(std::string_view dialect, std::string_view name) const;
  /// What clients of `dialect` call the room; nothing for a room that they cannot name.
  [[nodiscard]] std::optional<std::string> name(std::string_view dialect, const RoomId& room) const;

 private:
  struct Apart {};
  explicit RoomNames(Apart);  // no bridges

  /// The prefix of each dialect's rooms, in the order of dialect_names, with its colon; empty: plain names.
  std::array<std::string, dialect_names.size()> prefixes_;
};

/// The id of the room with this plain name: what RoomNames says for `native`, which no configuration changes.
[[nodiscard]] RoomId plain_room_id(std::string_view name);
/// The plain name of a room; the id itself for a room of another dialect.
[[nodiscard]] std::string plain_room_name(const RoomId& room);

}  // namespace sluice
