#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/rooms/ids.hpp"

namespace sluice {

/// Numbers what whole rooms are told, and tells it again to those who missed it (contract section 11). Implemented by
/// EventReplay; the native dialect asks it when it is attached. Texts are JSON objects whose first member is `type`.
class BroadcastRecorder {
 public:
  virtual ~BroadcastRecorder() = default;
  /// A message that is about to go to a room. If it is of a recorded type it is kept for good, and what is to be sent in its
  /// place (the same with `__seq`) is returned.
  [[nodiscard]] virtual std::optional<std::string> record(const RoomId& room, std::string_view message) = 0;
  /// Whether a text went through record().
  [[nodiscard]] virtual bool numbered(std::string_view message) const = 0;
  /// The number of the last event of the room; 0 before the first.
  [[nodiscard]] virtual std::int64_t last_seq(const RoomId& room) const = 0;
  /// Whether clients that say what they have seen get an envelope.
  [[nodiscard]] virtual bool replays_on_resume() const = 0;
  /// The envelope for a member that has seen everything up to `last_seen` (-1: nothing): its messages in order.
  [[nodiscard]] virtual std::vector<std::string> envelope(const RoomId& room, const PeerId& peer,
                                                          std::int64_t last_seen) = 0;
};

}  // namespace sluice
