// The admission chain (contract section 5) and messages that come while it decides (section 3).
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

/// Answers when the test says so.
class Step final : public AdmissionStep {
 public:
  explicit Step(AdmissionStage stage) : stage_(stage) {}
  AdmissionStage stage() const override { return stage_; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override {
    requests.push_back(request);
    if (at_once) return reply(*at_once, request.now);
    replies.push_back(std::move(reply));
  }
  std::optional<AdmissionDecision> at_once;
  std::vector<AdmissionRequest> requests;
  std::vector<AdmissionReply> replies;

 private:
  AdmissionStage stage_;
};

struct Hooked : ::testing::Test {
  Hooked() {
    server.rooms.add_admission_step(hook);
    client = server.open();
  }
  void ask() { server.send(client, R"({"type":"join","roomId":"r","metadata":{"token":"t"}})"); }
  Server server;
  Step hook{AdmissionStage::user_hook};
  std::uint64_t client = 0;
};

TEST_F(Hooked, a_refusal_carries_its_reason) {
  std::vector<std::string> rejected;
  auto handle = server.bus.subscribe<JoinRejected>([&](const JoinRejected& fact) { rejected.push_back(fact.reason); });
  const std::string reason = "No entry: " + std::string(150, 'x') + "é";
  hook.at_once = Refuse{"JOIN_REJECTED", reason, {}, {}};
  ask();
  EXPECT_EQ(server.next(client), (Json{{"type", "error"}, {"code", "JOIN_REJECTED"}, {"message", reason}}));
  EXPECT_EQ(server.closed(client), (Closed{{1008, reason.substr(0, 123)}}));
  EXPECT_EQ(rejected, (std::vector<std::string>{reason}));
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST_F(Hooked, false_alone_says_join_rejected) {
  hook.at_once = Refuse{};
  ask();
  EXPECT_ERROR(server, client, R"({"type":"error","code":"JOIN_REJECTED","message":"Join rejected"})");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Join rejected"}}));
}

TEST_F(Hooked, a_token_step_has_its_own_codes) {
  hook.at_once = Refuse{"TOKEN_REQUIRED", "A token is required", "Token required", "TOKEN_REQUIRED"};
  ask();
  EXPECT_ERROR(server, client, R"({"type":"error","code":"TOKEN_REQUIRED","message":"A token is required"})");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Token required"}}));
}

TEST_F(Hooked, a_failing_hook_is_an_auth_error) {
  int rejected = 0;
  auto handle = server.bus.subscribe<JoinRejected>([&](const JoinRejected&) { ++rejected; });
  hook.at_once = AdmissionFailure{"unreachable"};
  ask();
  EXPECT_ERROR(server, client, R"({"type":"error","code":"AUTH_ERROR","message":"unreachable"})");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Auth error"}}));
  EXPECT_EQ(rejected, 0);
}

TEST_F(Hooked, a_hook_that_forgets_to_answer_is_an_auth_error) {
  ask();
  hook.replies.clear();
  EXPECT_EQ(server.next(client)["code"], "AUTH_ERROR");
}

TEST_F(Hooked, may_change_metadata_before_anybody_sees_it) {
  hook.at_once = Admit{{{"token", "null"}, {"__role", "\"host\""}}, std::nullopt};
  ask();
  EXPECT_EQ(hook.requests.at(0).metadata, (Metadata{{"token", "\"t\""}}));
  EXPECT_EQ(server.rooms.find_peer(server.peer(client))->metadata(), (Metadata{{"__role", "\"host\""}}));
}

TEST_F(Hooked, messages_wait_for_a_late_answer_and_follow_it_in_order) {
  ask();
  server.send(client, R"({"type":"metadata","patch":{"n":1}})");
  server.send(client, R"({"type":"metadata","patch":{"n":2}})");
  server.send(client, R"({"type":"data"})");
  EXPECT_TRUE(server.quiet(client));
  hook.replies.at(0)(Admit{}, server.now + 1s);
  EXPECT_EQ(server.next(client)["type"], "room:joined");
  EXPECT_EQ(server.next(client)["metadata"]["n"], 1);
  EXPECT_EQ(server.next(client)["metadata"]["n"], 2);
  EXPECT_EQ(server.next(client)["code"], "MISSING_PAYLOAD");
  hook.replies.at(0)(Refuse{}, server.now);  // a second answer does nothing
  EXPECT_FALSE(server.closed(client));
}

TEST_F(Hooked, one_that_disconnects_meanwhile_is_not_admitted) {
  ask();
  server.close(client);
  hook.replies.at(0)(Admit{}, server.now);
  EXPECT_TRUE(server.rooms.rooms().empty());
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST_F(Hooked, one_that_is_kicked_meanwhile_is_not_admitted) {
  ask();
  EXPECT_TRUE(server.rooms.kick(server.peer(client)));
  hook.replies.at(0)(Admit{}, server.now);
  EXPECT_ERROR(server, client, R"({"type":"kicked","reason":"Kicked by server"})");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Kicked by server"}}));
  EXPECT_TRUE(server.rooms.rooms().empty());
}

TEST_F(Hooked, too_much_held_closes_the_connection) {
  ask();
  for (int i = 0; i < 257; ++i) server.send(client, R"({"type":"data","payload":1})");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Rate limited"}}));
  hook.replies.at(0)(Admit{}, server.now);
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST_F(Hooked, a_leave_that_was_held_leaves_after_joining) {
  ask();
  server.send(client, R"({"type":"leave"})");
  server.send(client, R"({"type":"join","roomId":"s"})");
  server.send(client, R"({"type":"data"})");
  hook.replies.at(0)(Admit{}, server.now);
  EXPECT_EQ(server.next(client)["type"], "room:joined");
  ASSERT_EQ(hook.replies.size(), 2U);
  hook.replies.at(1)(Admit{}, server.now);
  EXPECT_EQ(server.next(client)["roomId"], "s");
  EXPECT_EQ(server.next(client)["code"], "MISSING_PAYLOAD");
}

TEST(NativeAdmission, runs_steps_in_their_fixed_order_until_one_refuses) {
  Server server;
  Step residency(AdmissionStage::residency), policy(AdmissionStage::policy), lock(AdmissionStage::room_lock);
  residency.at_once = Admit{};
  policy.at_once = Refuse{"JOIN_REJECTED", "no", {}, {}};
  lock.at_once = Admit{{{"seen", "1"}}, std::nullopt};
  for (Step* step : {&residency, &policy, &lock}) server.rooms.add_admission_step(*step);
  const auto client = server.open();
  server.send(client, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(lock.requests.size(), 1U);
  ASSERT_EQ(policy.requests.size(), 1U);
  EXPECT_NE(policy.requests[0].metadata.find("seen"), nullptr);
  EXPECT_EQ(residency.requests.size(), 0U);
}

TEST(NativeAdmission, a_policy_may_lower_the_capacity) {
  Server server;
  server.join();
  Step policy(AdmissionStage::policy);
  policy.at_once = Admit{{}, 1};
  server.rooms.add_admission_step(policy);
  const auto client = server.open();
  server.send(client, R"({"type":"join","roomId":"r"})");
  EXPECT_ERROR(server, client, R"({"type":"error","code":"ROOM_FULL","roomId":"r"})");
}

}  // namespace
}  // namespace sluice::testing_native
