#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"

namespace sluice {

/// Room tokens at the door (contract section 13): takes `metadata.token`, verifies it, and writes what it says into the
/// metadata. A member whose token does not let it publish or subscribe cannot, and is restricted in the data plane; the
/// server remembers that apart from `canPublish` and `canSubscribe`, which are there to be seen.
class RoomTokenStep final : public AdmissionStep, public Permissions {
 public:
  /// Borrowed for life. Registers itself with `rooms`.
  RoomTokenStep(Rooms& rooms, Bus& bus, std::string secret, std::function<std::int64_t(TimePoint)> unix_ms);
  RoomTokenStep(const RoomTokenStep&) = delete;
  RoomTokenStep& operator=(const RoomTokenStep&) = delete;

  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::room_token; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;
  [[nodiscard]] bool allows(const PeerId& peer, MemberAction action) const override;
  [[nodiscard]] const std::string& secret() const noexcept { return secret_; }

 private:
  struct Verdict {
    bool publish = false;
    bool subscribe = false;
  };
  Rooms& rooms_;
  std::string secret_;
  std::function<std::int64_t(TimePoint)> unix_ms_;
  std::unordered_map<PeerId, Verdict> joining_;  // between the step and PeerJoined or PeerClosed
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
