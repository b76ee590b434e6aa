#pragma once

#include "control/hooks/hooks.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/rooms.hpp"

namespace sluice {

/// The operator's own say in admissions (contract section 5): the hook `beforeJoin` gets `{peer, roomId, ip}` and answers
/// `{allow, [reason], [metadata]}`, or as the embedded function did: true, false, or the text of a refusal. Without a
/// provider everybody passes; a failure of the hook refuses (AUTH_ERROR).
class UserHookStep final : public AdmissionStep {
 public:
  /// Borrowed for life. Registers itself with `rooms`.
  UserHookStep(Rooms& rooms, Hooks& hooks, TimePoint (*now)());
  UserHookStep(const UserHookStep&) = delete;
  UserHookStep& operator=(const UserHookStep&) = delete;

  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::user_hook; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;

  /// What a hook's answer means.
  [[nodiscard]] static AdmissionDecision decision_of(const HookResult& result);

 private:
  Hooks& hooks_;
  TimePoint (*now_)();  // answers come when they come
};

}  // namespace sluice
