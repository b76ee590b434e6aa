// The door on the wire (contract sections 5, 13 and 31): room tokens, the user hook, residency, and the order of the chain.
#include "tests/control/signaling/payloads/rules_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Door : Rules {
  std::vector<std::string> rejected;
  Bus::Subscription watch =
      server.bus.subscribe<JoinRejected>([this](const JoinRejected& fact) { rejected.push_back(fact.reason); });

  std::string token(const std::function<void(RoomTokenRequest&)>& more = nullptr) {
    RoomTokenRequest request;
    request.room = "r";
    request.subject = "alice";
    if (more) more(request);
    return issue_room_token(request, room_secret, unix_ms() / 1000).value();
  }
  static TimePoint at_once() { return TimePoint{} + 2h; }
  void answer_hook(nlohmann::json answer) {
    hook = hooks.attach("beforeJoin",
                        [this, answer = std::move(answer)](const nlohmann::json& request, const HookReply& reply) {
                          requests.push_back(request);
                          reply(answer);
                        });
  }
  Hooks::Attachment hook;
  std::vector<nlohmann::json> requests;
};

TEST_F(Door, room_tokens_are_required_verified_and_bound_to_a_room) {
  attach_room_token();
  Json error = expect_join_refused("{}");
  EXPECT_EQ(error["code"], "TOKEN_REQUIRED");
  EXPECT_EQ(error["closed"], "Token required");
  EXPECT_EQ(expect_join_refused(R"({"token":5})")["code"], "TOKEN_REQUIRED");
  error = expect_join_refused(R"({"token":"a.b.c"})");
  EXPECT_EQ(error["code"], "TOKEN_INVALID");
  EXPECT_EQ(error["closed"], "Invalid token");
  error = expect_join_refused(R"({"token":")" + token() + "\"}", "elsewhere");
  EXPECT_EQ(error["code"], "TOKEN_ROOM_MISMATCH");
  EXPECT_EQ(error["closed"], "Token room mismatch");
  EXPECT_NE(std::string(error["message"]).find("\"r\""), std::string::npos) << "the message names the room";
  EXPECT_EQ(rejected,
            (std::vector<std::string>{"TOKEN_REQUIRED", "TOKEN_REQUIRED", "TOKEN_INVALID", "TOKEN_ROOM_MISMATCH"}));
}

TEST_F(Door, clock_skew_at_a_room_token) {
  attach_room_token();
  const std::string soon = token([&](RoomTokenRequest& r) { r.not_before = unix_ms() / 1000 + 60; });
  EXPECT_EQ(expect_join_refused(R"({"token":")" + soon + "\"}")["code"], "TOKEN_INVALID");
  const std::string over = token([](RoomTokenRequest& r) { r.expires_in = 1; });
  server.now += 60s;
  server.join("r", R"({"token":")" + soon + "\"}");
  EXPECT_EQ(expect_join_refused(R"({"token":")" + over + "\"}")["code"], "TOKEN_INVALID");
}

TEST_F(Door, a_room_token_becomes_metadata_and_overrides_the_clients) {
  attach_room_token();
  const std::string good = token([](RoomTokenRequest& r) {
    r.can_publish = false;
    r.metadata = Metadata{{"name", R"("Alice")"}, {"gone", "null"}};
  });
  const auto alice = server.join("r", R"({"name":"Mallory","canPublish":true,"gone":1,"token":")" + good + "\"}");
  const Peer* peer = server.rooms.find_peer(server.peer(alice));
  EXPECT_EQ(
      peer->metadata(),
      (Metadata{{"name", R"("Alice")"}, {"canPublish", "false"}, {"tokenSub", R"("alice")"}, {"canSubscribe", "true"}}));
}

TEST_F(Door, what_a_room_token_withholds_stays_withheld_whatever_the_client_writes) {
  attach_room_token();
  const auto alice = server.join("r", R"({"token":")" + token([](RoomTokenRequest& r) { r.can_publish = false; }) + "\"}");
  EXPECT_FALSE(restrictions(alice).may_send());
  EXPECT_TRUE(restrictions(alice).may_receive());
  server.send(alice, R"({"type":"metadata","patch":{"canPublish":true}})");
  server.forget();
  data(alice, R"({"__sfu":"publish","kind":"audio"})");
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"POLICY_DENIED","action":"publish","cap":"publish"})");
}

TEST_F(Door, the_hook_is_asked_with_peer_room_and_address_and_may_edit_metadata) {
  UserHookStep step(server.rooms, hooks, at_once);
  answer_hook({{"allow", true}, {"metadata", {{"token", nullptr}, {"role", "host"}}}});
  const auto alice = server.join("r", R"({"token":"secret","name":"A"})");
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0], (nlohmann::json{{"peer",
                                          {{"id", server.id(alice)},
                                           {"roomId", nullptr},
                                           {"state", "connecting"},
                                           {"metadata", {{"token", "secret"}, {"name", "A"}}}}},
                                         {"roomId", "r"},
                                         {"ip", "192.0.2.1"}}));
  EXPECT_EQ(server.rooms.find_peer(server.peer(alice))->metadata(), (Metadata{{"name", R"("A")"}, {"role", R"("host")"}}));
}

TEST_F(Door, every_answer_of_the_hook) {
  UserHookStep step(server.rooms, hooks, at_once);
  const std::vector<std::pair<nlohmann::json, std::string>> refusals{{{{"allow", false}}, "Join rejected"},
                                                                     {{{"allow", false}, {"reason", "Sorry"}}, "Sorry"},
                                                                     {{{"allow", false}, {"reason", 5}}, "Join rejected"},
                                                                     {{{"allow", "No entry"}}, "No entry"},
                                                                     {false, "Join rejected"},
                                                                     {"Full house", "Full house"}};
  for (const auto& [answer, message] : refusals) {
    answer_hook(answer);
    const Json error = expect_join_refused("{}");
    EXPECT_EQ(error["code"], "JOIN_REJECTED");
    EXPECT_EQ(error["message"], message);
    EXPECT_EQ(error["closed"], message);
  }
  rejected.clear();
  for (const nlohmann::json& answer :
       {nlohmann::json(), nlohmann::json(1), nlohmann::json::object(), nlohmann::json::array(), nlohmann::json{{"allow", 1}},
        nlohmann::json{{"allow", true}, {"metadata", 5}}}) {
    answer_hook(answer);
    const Json error = expect_join_refused("{}");
    EXPECT_EQ(error["code"], "AUTH_ERROR") << answer;
    EXPECT_EQ(error["closed"], "Auth error");
  }
  EXPECT_TRUE(rejected.empty()) << "a failure is no rejection";
  answer_hook(true);
  server.join();
}

TEST_F(Door, a_hook_that_fails_or_is_late_admits_nobody) {
  UserHookStep step(server.rooms, hooks, at_once);
  std::optional<HookReply> kept;
  hook = hooks.attach("beforeJoin", [&](const nlohmann::json&, HookReply reply) { kept = std::move(reply); });
  const auto alice = server.open();
  server.send(alice, R"({"type":"join","roomId":"r"})");
  EXPECT_TRUE(server.quiet(alice));
  hooks.handle_timeout(server.now + 5s);
  EXPECT_EQ(server.next(alice)["code"], "AUTH_ERROR");
  (*kept)(nlohmann::json(true));
  EXPECT_TRUE(server.rooms.rooms().empty());
}

TEST_F(Door, the_chain_runs_in_the_contracts_order_whatever_was_attached_first) {
  DataResidencyOptions residency_options;
  residency_options.local_region = "eu";
  residency_options.enforce_peer_region = true;
  std::vector<std::string> asked;
  DataResidency residency(
      server.rooms, server.bus, residency_options,
      [&](const std::string&, TimePoint, const DataResidency::RegionReply& reply) {
        asked.emplace_back("residency");
        reply("us");
      },
      [this] { return server.now; });
  attach_policy(true);
  UserHookStep step(server.rooms, hooks, at_once);
  attach_moderation(false);
  attach_room_token();
  nlohmann::json answer = false;
  hook = hooks.attach("beforeJoin", [&](const nlohmann::json&, const HookReply& reply) {
    asked.emplace_back("hook");
    reply(answer);
  });
  (void)server.rooms.create(RoomId("r"), {}, std::nullopt, server.now);
  (void)moderation->lock_room({RoomId("r"), {}, "system", {}});
  EXPECT_EQ(expect_join_refused("{}")["code"], "TOKEN_REQUIRED");
  const auto with = [&](const std::string& more) { return R"({"token":")" + token() + "\"" + more + "}"; };
  EXPECT_EQ(expect_join_refused(with(""))["message"], "Room is currently locked by a moderator");
  EXPECT_TRUE(asked.empty());
  (void)moderation->unlock_room({RoomId("r"), {}, "system", {}});
  EXPECT_EQ(expect_join_refused(with(""))["message"], "Join rejected");
  answer = true;
  EXPECT_EQ(expect_join_refused(with(""))["message"], "A valid policy token is required to join this room");
  EXPECT_EQ(asked, (std::vector<std::string>{"hook", "hook"}));
  EXPECT_EQ(expect_join_refused(with(R"(,"policyToken":")" + policy_token({"data"}) + "\""))["message"],
            "Data residency policy prevents joining from region \"us\"");
}

// --- residency

struct Residency : Rules {
  DataResidency& attach(const std::function<void(DataResidencyOptions&)>& more = nullptr) {
    DataResidencyOptions options;
    options.local_region = "eu";
    if (more) more(options);
    residency = std::make_unique<DataResidency>(
        server.rooms, server.bus, options,
        [this](const std::string& ip, TimePoint, const DataResidency::RegionReply& reply) {
          lookups.push_back(ip);
          reply(region_of_all);
        },
        [this] { return server.now; });
    return *residency;
  }
  std::unique_ptr<DataResidency> residency;
  std::optional<std::string> region_of_all = "eu";
  std::vector<std::string> lookups;
  std::vector<ResidencyViolated> violations;
  Bus::Subscription watch =
      server.bus.subscribe<ResidencyViolated>([this](const ResidencyViolated& fact) { violations.push_back(fact); });
};

TEST_F(Residency, a_room_of_another_region_is_not_made) {
  attach();
  EXPECT_EQ(server.rooms.create(RoomId("x"), {{"__region", R"("us")"}}, std::nullopt, server.now).error(),
            RoomError::rejected);
  EXPECT_EQ(server.rooms.create(RoomId("x"), {{"__region", "5"}}, std::nullopt, server.now).error(), RoomError::rejected);
  ASSERT_EQ(violations.size(), 2U);
  EXPECT_STREQ(to_string(violations[0].code), "room:region_mismatch");
  EXPECT_EQ(violations[0].region, "us");
  EXPECT_TRUE(server.rooms.create(RoomId("x"), {{"__region", R"("eu")"}}, std::nullopt, server.now));
  EXPECT_EQ(server.rooms.patch_room_metadata(RoomId("x"), {{"__region", R"("us")"}}).error(), RoomError::rejected);
}

TEST_F(Residency, warn_only_reports) {
  attach([](DataResidencyOptions& options) {
    options.violation_action = ViolationAction::warn;
    options.enforce_peer_region = true;
  });
  region_of_all = "us";
  EXPECT_TRUE(server.rooms.create(RoomId("x"), {{"__region", R"("us")"}}, std::nullopt, server.now));
  const auto alice = server.join("x");
  EXPECT_TRUE(restrictions(alice).may_send());
  EXPECT_EQ(violations.size(), 2U);
  EXPECT_STREQ(to_string(violations[1].code), "peer:region_mismatch");
  EXPECT_EQ(server.rooms.find_peer(server.peer(alice))->metadata().find("__geoRegion"), nullptr);
}

TEST_F(Residency, nobody_joins_a_room_that_is_where_it_may_not_be_and_who_is_in_it_sends_nothing) {
  (void)server.rooms.create(RoomId("old"), {{"__region", R"("us")"}}, std::nullopt, server.now);
  const auto before = server.join("old");
  attach();
  server.bus.publish(RoomsRestored{});
  EXPECT_FALSE(restrictions(before).may_send());
  EXPECT_FALSE(restrictions(before).may_receive());
  EXPECT_EQ(expect_join_refused("{}", "old")["code"], "JOIN_REJECTED");
}

TEST_F(Residency, members_are_judged_by_their_address_once_and_tagged) {
  attach([](DataResidencyOptions& options) { options.enforce_peer_region = true; });
  const auto alice = server.join();
  EXPECT_EQ(*server.rooms.find_peer(server.peer(alice))->metadata().find("__geoRegion"), R"("eu")");
  server.join();
  EXPECT_EQ(lookups.size(), 1U) << "remembered";
  EXPECT_EQ(residency->stats().cached, 1U);
  server.now += std::chrono::hours(2);
  server.join();
  EXPECT_EQ(lookups.size(), 2U) << "but not for ever";
}

TEST_F(Residency, a_member_from_elsewhere_is_refused) {
  attach([](DataResidencyOptions& options) { options.enforce_peer_region = true; });
  region_of_all = "us";
  const Json error = expect_join_refused("{}");
  EXPECT_EQ(error["message"], "Data residency policy prevents joining from region \"us\"");
  EXPECT_EQ(violations.back().region, "us");
}

TEST_F(Residency, what_cannot_be_looked_up_is_admitted_and_not_remembered) {
  attach([](DataResidencyOptions& options) { options.enforce_peer_region = true; });
  region_of_all = std::nullopt;
  const auto alice = server.join();
  EXPECT_EQ(server.rooms.find_peer(server.peer(alice))->metadata().find("__geoRegion"), nullptr);
  EXPECT_EQ(residency->stats().cached, 0U);
}

TEST_F(Residency, the_memory_of_addresses_is_bounded) {
  DataResidency& module = attach([](DataResidencyOptions& options) { options.cache_max = 3; });
  for (int i = 0; i < 10; ++i) {
    module.resolve_region("ip" + std::to_string(i), server.now, [](const auto&) {});
    module.resolve_region("ip0", server.now, [](const auto&) {});
  }
  EXPECT_EQ(module.stats().cached, 3U);
  EXPECT_EQ(std::count(lookups.begin(), lookups.end(), "ip0"), 1) << "what is used stays";
}

}  // namespace
}  // namespace sluice::testing_native
