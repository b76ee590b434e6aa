#pragma once

#include <cstdint>
#include <string>

#include "control/compliance/consent_record.hpp"
#include "control/rooms/ids.hpp"

/// What happens to consents and residency, as facts on the bus.
namespace sluice {

/// A member was asked.
struct ConsentRequired {
  PeerId peer;
  RoomId room;
  ConsentTypes types;
};
struct ConsentGranted {
  ConsentRecord record;
};
struct ConsentWithdrawn {
  PeerId peer;
  RoomId room;
  ConsentTypes types;      // what was withdrawn
  ConsentTypes remaining;  // what is left
};
/// With `allParty`: the last member has consented to this type.
struct RoomConsentCompleted {
  RoomId room;
  ConsentType type;
};

/// A room or member is where it may not be (contract section 31).
struct ResidencyViolated {
  enum class Code : std::uint8_t { room_region_mismatch, peer_region_mismatch };
  Code code = Code::room_region_mismatch;
  PeerId peer;  // of a peer's
  RoomId room;
  std::string region;  // the room's or the peer's
  bool rejected = false;
};
[[nodiscard]] constexpr const char* to_string(ResidencyViolated::Code code) noexcept {
  return code == ResidencyViolated::Code::room_region_mismatch ? "room:region_mismatch" : "peer:region_mismatch";
}

}  // namespace sluice
