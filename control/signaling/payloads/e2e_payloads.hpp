#pragma once

#include "control/end_to_end/e2e_key_exchange.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/native/control_payload.hpp"

namespace sluice {

/// `__e2e` payloads (contract section 19): key:announce, key:rotate, key:request.
class E2ePayloads final : public ControlPayloadModule {
 public:
  /// Borrowed for life.
  E2ePayloads(Rooms& rooms, E2eKeyExchange& keys) : rooms_(rooms), keys_(keys) {}
  [[nodiscard]] std::string_view discriminator() const override { return "__e2e"; }
  void handle(const PeerId& from, const JsonObject& payload, TimePoint now) override;

 private:
  void change(const PeerId& from, const JsonObject& payload, bool first);
  void request(const PeerId& from, const JsonObject& payload);

  Rooms& rooms_;
  E2eKeyExchange& keys_;
};

}  // namespace sluice
