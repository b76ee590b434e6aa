#pragma once

#include <string_view>

#include "control/json/json_view.hpp"
#include "control/rooms/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// A module that clients talk to inside `data` payloads: `__sfu`, `__e2e`, `__consent`, `__mod` (contract section 6).
/// Attached to the dialect, it gets every object payload in which its discriminator is there and truthy.
class ControlPayloadModule {
 public:
  virtual ~ControlPayloadModule() = default;
  /// The member that marks its payloads, for instance `__sfu`.
  [[nodiscard]] virtual std::string_view discriminator() const = 0;
  /// `payload` borrows the message. The sender is a member of a room; afterwards it may be gone.
  virtual void handle(const PeerId& from, const JsonObject& payload, TimePoint now) = 0;
  /// False for what the room must not see even with `relayControlPayloads`.
  [[nodiscard]] virtual bool relayable(const JsonObject& payload) const {
    (void)payload;
    return true;
  }
};

}  // namespace sluice
