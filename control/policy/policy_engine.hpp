#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/policy/facts.hpp"
#include "control/policy/policy_token.hpp"
#include "control/rooms/admission.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"

namespace sluice {

struct PolicyEngineOptions {
  std::string secret;
  std::string issuer = "webrtc-rooms";
  bool required = false;
  CapabilitySet default_capabilities = [] {
    CapabilitySet set;
    set.add(Capability::subscribe);
    set.add(Capability::data);
    return set;
  }();
  std::string token_metadata_key = "policyToken";
};

/// Policy tokens at the door and capabilities inside (contract section 12): refuses joins whose token is not good, tells
/// everybody by the metadata `__caps`, `__role`, `__sub`, `__region` what a member may, and says no (Permissions) to what it
/// may not. A member without `publish` or `subscribe` is restricted in the data plane as well, so that nothing flows
/// whatever its client does.
///
/// Capabilities are held by the server: keys that begin with `__` are closed to clients, and are part of what survives a
/// restart of control. Who is not known has none.
class PolicyEngine final : public AdmissionStep, public Permissions {
 public:
  /// Borrowed for life. `unix_ms` turns the loop's time into Unix milliseconds. Registers itself with `rooms`.
  PolicyEngine(Rooms& rooms, Bus& bus, PolicyEngineOptions options, std::function<std::int64_t(TimePoint)> unix_ms);
  PolicyEngine(const PolicyEngine&) = delete;
  PolicyEngine& operator=(const PolicyEngine&) = delete;

  [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::policy; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override;
  [[nodiscard]] bool allows(const PeerId& peer, MemberAction action) const override;

  /// A new token; PolicyIssued. The error is one sentence.
  Result<std::string, std::string> issue(const PolicyRequest& request, TimePoint now);
  /// PolicyVerified.
  Result<Policy, std::string> verify(std::string_view token, TimePoint now);
  [[nodiscard]] CapabilitySet capabilities_of(const PeerId& peer) const;
  [[nodiscard]] bool has(const PeerId& peer, Capability capability) const {
    return capabilities_of(peer).allows(capability);
  }
  /// Gives a member other capabilities, at once and for everything that it does from now on. False when it is no member.
  bool set_capabilities(const PeerId& peer, CapabilitySet capabilities);
  [[nodiscard]] const PolicyEngineOptions& options() const noexcept { return options_; }
  /// How often members wanted to do what they may not, by MemberAction.
  using Denials = std::array<std::uint64_t, member_actions>;
  [[nodiscard]] const Denials& denials() const noexcept { return denials_; }

 private:
  void refuse(const AdmissionRequest& request, const AdmissionReply& reply, std::string code, std::string message,
              std::string reason = {});
  void learn(const PeerId& peer, const Metadata& metadata);
  void enforce(const PeerId& peer);

  Rooms& rooms_;
  Bus& bus_;
  PolicyEngineOptions options_;
  std::function<std::int64_t(TimePoint)> unix_ms_;
  std::unordered_map<PeerId, CapabilitySet> members_;
  mutable Denials denials_{};
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
