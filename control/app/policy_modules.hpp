#pragma once

#include <optional>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/compliance/consent_flow.hpp"
#include "control/compliance/data_residency.hpp"
#include "control/end_to_end/e2e_key_exchange.hpp"
#include "control/moderation/moderation_bus.hpp"
#include "control/moderation/moderation_journal.hpp"
#include "control/policy/policy_engine.hpp"
#include "control/policy/room_token_step.hpp"
#include "control/policy/turn/turn_credentials.hpp"
#include "control/policy/user_hook_step.hpp"
#include "control/signaling/payloads/consent_payloads.hpp"
#include "control/signaling/payloads/e2e_payloads.hpp"
#include "control/signaling/payloads/moderation_payloads.hpp"

namespace sluice::app {

/// The modules of this group; those that the configuration does not attach are empty.
struct PolicyModules {
  std::optional<RoomTokenStep> room_token;
  std::optional<UserHookStep> user_hook;
  std::optional<PolicyEngine> policy;
  std::optional<TurnCredentials> turn;
  std::optional<ConsentFlow> consent;
  std::optional<DataResidency> residency;
  std::optional<ModerationBus> moderation;
  std::optional<ModerationJournal> moderation_journal;
  std::optional<E2eKeyExchange> e2e;
  std::optional<ConsentPayloads> consent_payloads;
  std::optional<ModerationPayloads> moderation_payloads;
  std::optional<E2ePayloads> e2e_payloads;
};

/// What can be asked of the modules that are there (contract sections 37 and 40). `modules` must outlive the operations'
/// use.
void add_policy_operations(FeatureContext& context, PolicyModules& modules);
void add_compliance_operations(FeatureContext& context, PolicyModules& modules);
void add_moderation_operations(FeatureContext& context, PolicyModules& modules);
// Of one module, for one that is attached later.
void add_policy_engine_operations(FeatureContext& context, PolicyEngine& engine);
void add_consent_operations(FeatureContext& context, ConsentFlow& consent);
void add_residency_operations(FeatureContext& context, DataResidency& residency);
void add_e2e_operations(FeatureContext& context, const E2eKeyExchange& e2e);
/// `violation` and the like; the module must be configured.
[[nodiscard]] Bus::Subscription follow_residency_events(FeatureContext& context);
/// Their facts by the contract's event names, for the feed.
[[nodiscard]] std::vector<Bus::Subscription> follow_policy_events(FeatureContext& context);

}  // namespace sluice::app
