#pragma once

#include <string>

#include "control/policy/capability.hpp"
#include "control/rooms/ids.hpp"

/// What happens in admission by tokens, as facts on the bus.
namespace sluice {

/// A join was refused for its policy token. Code: POLICY_REQUIRED, POLICY_INVALID or POLICY_ROOM_MISMATCH.
struct PolicyViolated {
  PeerId peer;
  RoomId room;
  std::string code;
  std::string reason;  // of POLICY_INVALID; else empty
};
struct PolicyIssued {
  std::string subject;
  std::string room;
  std::string role;
};
/// A token was looked at, at a join or on request.
struct PolicyVerified {
  bool valid = false;
  std::string subject;  // of a valid one
  std::string reason;   // of an invalid one
};
/// The capabilities of a member were changed while it is in its room.
struct CapabilitiesChanged {
  PeerId peer;
  RoomId room;
  CapabilitySet capabilities;
};

}  // namespace sluice
