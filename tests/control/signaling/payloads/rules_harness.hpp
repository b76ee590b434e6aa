#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control/compliance/consent_flow.hpp"
#include "control/compliance/data_residency.hpp"
#include "control/end_to_end/e2e_key_exchange.hpp"
#include "control/hooks/hooks.hpp"
#include "control/moderation/moderation_bus.hpp"
#include "control/policy/policy_engine.hpp"
#include "control/policy/room_token.hpp"
#include "control/policy/room_token_step.hpp"
#include "control/policy/user_hook_step.hpp"
#include "control/signaling/payloads/consent_payloads.hpp"
#include "control/signaling/payloads/e2e_payloads.hpp"
#include "control/signaling/payloads/moderation_payloads.hpp"
#include "shm/region/region.hpp"
#include "shm/state_log/state_log.hpp"
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {

inline CapabilitySet set_of(std::initializer_list<Capability> capabilities) {
  CapabilitySet set;
  for (const Capability capability : capabilities) set.add(capability);
  return set;
}
inline ConsentTypes types_of(std::initializer_list<ConsentType> list) {
  ConsentTypes types;
  for (const ConsentType type : list) types.add(type);
  return types;
}

inline const std::string policy_secret = "policy-secret";
inline const std::string room_secret = "0123456789abcdef0123456789abcdef";

/// A native server with a state log, and the modules of admission and conduct to attach.
struct Rules : ::testing::Test {
  explicit Rules(bool sfu = true) : server(held(), sfu) {}

  std::int64_t unix_ms() const { return server.now.time_since_epoch() / 1ms; }
  static std::int64_t unix_ms_at(TimePoint at) { return at.time_since_epoch() / 1ms; }

  void attach_policy(bool required = false) {
    PolicyEngineOptions options;
    options.secret = policy_secret;
    options.required = required;
    policy = std::make_unique<PolicyEngine>(server.rooms, server.bus, options, unix_ms_at);
  }
  void attach_room_token() {
    room_token = std::make_unique<RoomTokenStep>(server.rooms, server.bus, room_secret, unix_ms_at);
  }
  void attach_consent(ConsentFlowOptions options) {
    consent = std::make_unique<ConsentFlow>(server.rooms, server.bus, log, std::move(options),
                                            ConsentFlow::Clocks{[this] { return server.now; }, unix_ms_at});
    consent_payloads = std::make_unique<ConsentPayloads>(server.rooms, *consent);
    server.dialect.attach(*consent_payloads);
  }
  void attach_moderation(bool with_policy, ModerationOptions options = {}) {
    ModerationBus::HasCapability has;
    if (with_policy) {
      has = [this](const PeerId& peer, std::string_view name) { return policy->has(peer, *parse_capability(name)); };
    }
    moderation = std::make_unique<ModerationBus>(server.rooms, server.bus, log, options, std::move(has),
                                                 [this] { return unix_ms(); });
    moderation_payloads = std::make_unique<ModerationPayloads>(server.rooms, *moderation);
    server.dialect.attach(*moderation_payloads);
  }
  void attach_e2e(E2eOptions options = {}) {
    e2e = std::make_unique<E2eKeyExchange>(server.rooms, server.bus, log, std::move(options),
                                           E2eKeyExchange::Clocks{[this] { return server.now; }, unix_ms_at});
    e2e_payloads = std::make_unique<E2ePayloads>(server.rooms, *e2e);
    server.dialect.attach(*e2e_payloads);
  }

  std::string policy_token(std::vector<std::string> caps, const std::string& room = "*",
                           const std::function<void(PolicyRequest&)>& more = nullptr) {
    PolicyRequest request;
    request.subject = "user-1";
    request.room = room;
    request.role = "host";
    request.capabilities = std::move(caps);
    if (more) more(request);
    return policy->issue(request, server.now).value();
  }
  /// Joins with a policy token of these capabilities.
  std::uint64_t join_with(std::vector<std::string> caps, const std::string& room = "r") {
    return server.join(room, R"({"policyToken":")" + policy_token(std::move(caps)) + "\"}");
  }
  void data(std::uint64_t client, const std::string& payload) {
    server.send(client, R"({"type":"data","payload":)" + payload + "}");
  }
  const Restrictions& restrictions(std::uint64_t client) {
    return server.rooms.find_peer(server.peer(client))->restrictions();
  }
  Json expect_join_refused(const std::string& metadata, const std::string& room = "r") {
    const std::uint64_t client = server.open();
    server.send(client, R"({"type":"join","roomId":")" + room + R"(","metadata":)" + metadata + "}");
    Json error = server.next(client);
    EXPECT_EQ(error["type"], "error");
    const auto closed = server.closed(client);
    EXPECT_TRUE(closed && closed->first == 1008);
    if (closed) error["closed"] = closed->second;
    EXPECT_EQ(server.rooms.find_peer(server.peer(client)), nullptr);
    return error;
  }

  Server server;
  Region region = *Region::create("rules-test", std::size_t{1} << 20U);
  StateLog log = *StateLog::open(std::move(*Region::map(region.fd(), Access::read_write)));
  Hooks hooks;
  std::unique_ptr<RoomTokenStep> room_token;
  std::unique_ptr<PolicyEngine> policy;
  std::unique_ptr<ConsentFlow> consent;
  std::unique_ptr<ModerationBus> moderation;
  std::unique_ptr<E2eKeyExchange> e2e;
  std::unique_ptr<ConsentPayloads> consent_payloads;
  std::unique_ptr<ModerationPayloads> moderation_payloads;
  std::unique_ptr<E2ePayloads> e2e_payloads;
};

}  // namespace sluice::testing_native
