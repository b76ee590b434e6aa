// Contract section 12 on the wire: tokens at the door, capabilities inside.
#include "tests/control/signaling/payloads/rules_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Policies : Rules {
  std::vector<PolicyViolated> violations;
  Bus::Subscription watch =
      server.bus.subscribe<PolicyViolated>([this](const PolicyViolated& fact) { violations.push_back(fact); });
};

TEST_F(Policies, a_good_token_becomes_metadata_that_all_can_see) {
  attach_policy();
  const auto bob = server.join();
  const auto alice = server.open();
  const std::string token = policy_token({"publish", "kick"}, "r", [](PolicyRequest& r) { r.region = "eu"; });
  server.send(alice, R"({"type":"join","roomId":"r","metadata":{"name":"A","policyToken":")" + token + "\"}}");
  EXPECT_EQ(server.next(alice)["type"], "room:joined");
  const Json seen = server.next(bob);
  EXPECT_EQ(seen["type"], "peer:joined");
  EXPECT_EQ(seen["peer"]["metadata"],
            Json::parse(R"({"name":"A","__caps":["publish","kick"],"__role":"host","__sub":"user-1","__region":"eu"})"));
}

TEST_F(Policies, without_a_token_one_is_a_viewer_with_the_default_capabilities) {
  attach_policy();
  const auto alice = server.join();
  const Peer* peer = server.rooms.find_peer(server.peer(alice));
  EXPECT_EQ(*peer->metadata().find("__caps"), R"(["subscribe","data"])");
  EXPECT_EQ(*peer->metadata().find("__role"), R"("viewer")");
  EXPECT_EQ(peer->metadata().find("__sub"), nullptr);
  EXPECT_EQ(peer->metadata().find("__region"), nullptr);
}

TEST_F(Policies, a_missing_token_is_refused_when_required) {
  attach_policy(true);
  for (const char* metadata : {"{}", R"({"policyToken":""})", R"({"policyToken":null})", R"({"policyToken":0})"}) {
    const Json error = expect_join_refused(metadata);
    EXPECT_EQ(error["code"], "JOIN_REJECTED");
    EXPECT_EQ(error["message"], "A valid policy token is required to join this room");
    EXPECT_EQ(error["closed"], error["message"]);
    EXPECT_EQ(violations.back().code, "POLICY_REQUIRED");
  }
}

TEST_F(Policies, tokens_that_are_not_good_are_refused_with_their_reason) {
  attach_policy();
  const std::string good = policy_token({"data"});
  const std::string old = policy_token({"data"}, "*", [](PolicyRequest& r) { r.expires_in = 1; });
  server.now += 2ms;
  const std::vector<std::pair<std::string, std::string>> rows{
      {"\"nodot\"", "Malformed token"},
      {"\"" + good + "x\"", "Invalid signature"},
      {"\"" + old + "\"", "Token expired"},
      {"5", "Token is missing or not a string"},
      {"{\"a\":1}", "Token is missing or not a string"},
  };
  for (const auto& [token, reason] : rows) {
    const Json error = expect_join_refused(R"({"policyToken":)" + token + "}");
    EXPECT_EQ(error["code"], "JOIN_REJECTED");
    EXPECT_EQ(error["message"], "Policy token rejected: " + reason);
    EXPECT_EQ(violations.back().code, "POLICY_INVALID");
    EXPECT_EQ(violations.back().reason, reason);
  }
}

TEST_F(Policies, a_token_of_another_room_is_refused) {
  attach_policy();
  const Json error = expect_join_refused(R"({"policyToken":")" + policy_token({"data"}, "other") + "\"}");
  EXPECT_EQ(error["message"], "This token is not valid for room \"r\"");
  EXPECT_EQ(violations.back().code, "POLICY_ROOM_MISMATCH");
}

TEST_F(Policies, max_peers_of_a_token_lowers_the_capacity_for_its_bearer) {
  attach_policy();
  server.join();
  const auto late = server.open();
  const std::string token = policy_token({"data"}, "*", [](PolicyRequest& r) { r.max_peers = 1; });
  server.send(late, R"({"type":"join","roomId":"r","metadata":{"policyToken":")" + token + "\"}}");
  EXPECT_ERROR(server, late, R"({"type":"error","code":"ROOM_FULL","roomId":"r"})");
  EXPECT_FALSE(server.closed(late));
}

TEST_F(Policies, clients_cannot_write_what_they_may) {
  attach_policy();
  const auto mallory = server.join(
      "r", R"({"__caps":["admin"],"__role":"admin","__sub":"root","__proto__":{"__caps":["admin"]},"constructor":1})");
  EXPECT_EQ(policy->capabilities_of(server.peer(mallory)), set_of({Capability::subscribe, Capability::data}));
  server.send(mallory, R"({"type":"metadata","patch":{"__caps":["admin"]}})");
  EXPECT_EQ(server.next(mallory)["code"], "INVALID_METADATA_KEY");
  server.send(mallory, R"({"type":"metadata","patch":{"__proto__":"x"}})");
  EXPECT_EQ(server.next(mallory)["code"], "INVALID_METADATA_KEY");
  data(mallory, R"({"__sfu":"publish","kind":"audio"})");
  EXPECT_EQ(server.next(mallory)["code"], "POLICY_DENIED");
}

TEST_F(Policies, what_a_member_may_not_is_denied_and_nothing_happens) {
  attach_policy();
  const auto host = join_with({"publish", "subscribe", "data"});
  const auto nobody = join_with({"kick"});
  server.forget();
  data(host, R"({"__sfu":"publish","kind":"audio"})");
  const std::string producer = server.next(host)["producerId"];
  server.forget();
  data(nobody, R"({"__sfu":"publish","kind":"video"})");
  EXPECT_ERROR(server, nobody, R"({"type":"error","code":"POLICY_DENIED","action":"publish","cap":"publish"})");
  data(nobody, R"({"__sfu":"subscribe","producerId":")" + producer + "\"}");
  EXPECT_ERROR(server, nobody, R"({"type":"error","code":"POLICY_DENIED","action":"subscribe","cap":"subscribe"})");
  data(nobody, R"({"hello":1})");
  EXPECT_ERROR(server, nobody, R"({"type":"error","code":"POLICY_DENIED","action":"data","cap":"data"})");
  EXPECT_TRUE(server.quiet(host));
  EXPECT_TRUE(server.publications.of_publisher(server.peer(nobody)).empty());
  EXPECT_TRUE(server.publications.of_subscriber(server.peer(nobody)).empty());
  EXPECT_FALSE(server.closed(nobody));
}

TEST_F(Policies, negotiation_and_metadata_need_no_capability) {
  attach_policy();
  const auto alice = join_with({"kick"});
  const auto bob = join_with({"kick"});
  server.forget();
  server.send(alice, R"({"type":"offer","target":")" + server.id(bob) + R"(","sdp":"v=0"})");
  EXPECT_EQ(server.next(bob)["type"], "offer");
  server.send(alice, R"({"type":"metadata","patch":{"name":"A"}})");
  EXPECT_EQ(server.next(alice)["type"], "metadata:updated");
}

TEST_F(Policies, admin_may_everything) {
  attach_policy();
  const auto admin = join_with({"admin"});
  server.forget();
  data(admin, R"({"__sfu":"publish","kind":"audio"})");
  EXPECT_EQ(server.next(admin)["type"], "sfu:published");
  EXPECT_TRUE(restrictions(admin).may_send());
  EXPECT_TRUE(restrictions(admin).may_receive());
}

TEST_F(Policies, who_may_record_is_said_by_the_server_held_state) {
  attach_policy();
  const auto alice = join_with({"record"});
  const auto bob = join_with({"publish", "subscribe", "data"});
  EXPECT_TRUE(server.rooms.allows(server.peer(alice), MemberAction::record));
  EXPECT_FALSE(server.rooms.allows(server.peer(bob), MemberAction::record));
  server.send(bob, R"({"type":"metadata","patch":{"__caps":["record"]}})");
  EXPECT_FALSE(server.rooms.allows(server.peer(bob), MemberAction::record));
  EXPECT_TRUE(policy->set_capabilities(server.peer(alice), {}));
  EXPECT_FALSE(server.rooms.allows(server.peer(alice), MemberAction::record));
}

TEST_F(Policies, capabilities_reach_the_data_plane_and_can_be_revoked_and_given) {
  attach_policy();
  const auto alice = join_with({"publish", "data"});
  EXPECT_TRUE(restrictions(alice).may_send());
  EXPECT_FALSE(restrictions(alice).may_receive());
  std::vector<Restrictions> told;
  auto handle = server.bus.subscribe<PeerRestricted>([&](const PeerRestricted& fact) { told.push_back(fact.restrictions); });
  server.forget();
  EXPECT_TRUE(policy->set_capabilities(server.peer(alice), set_of({Capability::subscribe})));
  EXPECT_FALSE(restrictions(alice).may_send());
  EXPECT_TRUE(restrictions(alice).may_receive());
  ASSERT_EQ(told.size(), 2U);
  EXPECT_LT(told[0].epoch, told[1].epoch);
  EXPECT_EQ(server.next(alice)["metadata"]["__caps"], Json::parse(R"(["subscribe"])")) << "she is told";
  data(alice, R"({"__sfu":"publish","kind":"audio"})");
  EXPECT_EQ(server.next(alice)["code"], "POLICY_DENIED");
  EXPECT_TRUE(policy->set_capabilities(server.peer(alice), set_of({Capability::admin})));
  EXPECT_TRUE(restrictions(alice).may_send());
  EXPECT_FALSE(policy->set_capabilities(PeerId("nobody"), {}));
}

TEST_F(Policies, a_restarted_process_knows_capabilities_from_what_was_kept) {
  attach_policy();
  const auto alice = join_with({"publish"});
  Bus bus;
  PolicyEngineOptions options;
  options.secret = policy_secret;
  Rooms rooms(bus, server.entropy, {}, unix_ms_at);
  PolicyEngine engine(rooms, bus, options, unix_ms_at);
  rooms.restore_room(RoomId("r"), {}, 50, 0, true);
  const Peer& before = *server.rooms.find_peer(server.peer(alice));
  rooms.restore_member(before.snapshot(), "native", "", 1);
  EXPECT_FALSE(engine.has(before.id(), Capability::publish)) << "nobody may anything before it is known";
  bus.publish(RoomsRestored{});
  EXPECT_TRUE(engine.has(before.id(), Capability::publish));
  EXPECT_FALSE(rooms.find_peer(before.id())->restrictions().may_receive());
}

TEST_F(Policies, replays_and_forgeries_gain_nothing) {
  attach_policy(true);
  const std::string token = policy_token({"data"}, "r");
  server.join("r", R"({"policyToken":")" + token + "\"}");
  server.join("r", R"({"policyToken":")" + token + "\"}");  // a token is not for one use; its room and time bind it
  const std::size_t dot = token.rfind('.');
  for (const std::string& forged :
       {token.substr(0, dot) + ".", "." + token.substr(dot + 1), token + ".x", token.substr(1)}) {
    EXPECT_EQ(expect_join_refused(R"({"policyToken":")" + forged + "\"}")["code"], "JOIN_REJECTED") << forged;
  }
  server.now += std::chrono::hours(2);
  EXPECT_EQ(expect_join_refused(R"({"policyToken":")" + token + "\"}")["message"], "Policy token rejected: Token expired");
}

}  // namespace
}  // namespace sluice::testing_native
