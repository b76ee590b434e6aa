#pragma once

#include "control/compliance/consent_flow.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/native/control_payload.hpp"

namespace sluice {

/// `__consent` payloads (contract section 20): grant, withdraw.
class ConsentPayloads final : public ControlPayloadModule {
 public:
  /// Borrowed for life.
  ConsentPayloads(Rooms& rooms, ConsentFlow& consent) : rooms_(rooms), consent_(consent) {}
  [[nodiscard]] std::string_view discriminator() const override { return "__consent"; }
  void handle(const PeerId& from, const JsonObject& payload, TimePoint now) override;

 private:
  Rooms& rooms_;
  ConsentFlow& consent_;
};

}  // namespace sluice
