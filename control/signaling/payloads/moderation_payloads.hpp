#pragma once

#include "control/moderation/moderation_bus.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/native/control_payload.hpp"

namespace sluice {

/// `__mod` payloads (contract section 21). Reports are never relayed to the room.
class ModerationPayloads final : public ControlPayloadModule {
 public:
  /// Borrowed for life.
  ModerationPayloads(Rooms& rooms, ModerationBus& moderation) : rooms_(rooms), moderation_(moderation) {}
  [[nodiscard]] std::string_view discriminator() const override { return "__mod"; }
  void handle(const PeerId& from, const JsonObject& payload, TimePoint now) override;
  [[nodiscard]] bool relayable(const JsonObject& payload) const override { return payload.text("__mod") != "report:abuse"; }

 private:
  Rooms& rooms_;
  ModerationBus& moderation_;
};

}  // namespace sluice
