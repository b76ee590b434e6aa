// Contract section 20 on the wire.
#include "tests/control/signaling/payloads/rules_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Consents : Rules {
  void attach(std::initializer_list<ConsentType> required, bool all_party = false,
              std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    ConsentFlowOptions options;
    options.required = types_of(required);
    options.all_party = all_party;
    options.timeout = timeout;
    attach_consent(options);
  }
  void pass(Duration time) {
    server.pass(time);
    consent->handle_timeout(server.now);
  }
};

TEST_F(Consents, a_joiner_is_asked_for_what_is_required_after_room_joined) {
  attach({ConsentType::recording, ConsentType::analytics});
  const auto alice = server.open();
  server.send(alice, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(alice)["type"], "room:joined");
  EXPECT_EQ(server.next(alice)["type"], "sfu:ready");
  EXPECT_ERROR(server, alice,
               R"({"type":"consent:required","types":["recording","analytics"],"version":"v1","timeoutMs":30000})");
}

TEST_F(Consents, without_a_requirement_nobody_is_asked_or_restricted) {
  attach({});
  const auto alice = server.join();
  EXPECT_TRUE(restrictions(alice).may_send());
  EXPECT_EQ(consent->next_deadline(), never);
}

TEST_F(Consents, grants_add_up_and_are_confirmed_each_by_its_own_types) {
  attach({});
  const auto alice = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  EXPECT_ERROR(server, alice, R"({"type":"consent:confirmed","types":["recording"],"version":"v1"})");
  data(alice, R"({"__consent":"grant","types":["sharing"]})");
  EXPECT_ERROR(server, alice, R"({"type":"consent:confirmed","types":["sharing"],"version":"v1"})");
  const ConsentRecord* record = consent->find(RoomId("r"), server.peer(alice));
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->types, types_of({ConsentType::recording, ConsentType::sharing}));
  EXPECT_EQ(record->ip, "192.0.2.1");
  EXPECT_EQ(record->granted_at, unix_ms());
  EXPECT_EQ(record_json(*record), R"({"peerId":")" + server.id(alice) +
                                      R"(","roomId":"r","types":["recording","sharing"],"version":"v1","grantedAt":)" +
                                      std::to_string(unix_ms()) + R"(,"ip":"192.0.2.1"})");
}

TEST_F(Consents, withdrawing_takes_types_back_and_an_empty_record_goes) {
  attach({});
  const auto alice = server.join();
  data(alice, R"({"__consent":"grant","types":["recording","sharing"]})");
  server.forget();
  std::vector<ConsentWithdrawn> told;
  auto handle = server.bus.subscribe<ConsentWithdrawn>([&](const ConsentWithdrawn& fact) { told.push_back(fact); });
  data(alice, R"({"__consent":"withdraw","types":["recording"]})");
  EXPECT_ERROR(server, alice, R"({"type":"consent:withdrawn","types":["recording"]})");
  EXPECT_EQ(told.at(0).remaining, types_of({ConsentType::sharing}));
  data(alice, R"({"__consent":"withdraw","types":["sharing"]})");
  EXPECT_EQ(consent->find(RoomId("r"), server.peer(alice)), nullptr);
}

TEST_F(Consents, errors) {
  attach({});
  const auto alice = server.join();
  for (const char* payload : {R"({"__consent":"grant","types":"recording"})", R"({"__consent":"grant","types":["flying"]})",
                              R"({"__consent":"grant","types":[5]})", R"({"__consent":"withdraw","types":{}})",
                              R"({"__consent":"fly","types":["flying"]})"}) {
    data(alice, payload);
    EXPECT_ERROR(server, alice, R"({"type":"error","code":"CONSENT_INVALID_TYPE"})") << "the type check comes first";
  }
  data(alice, R"({"__consent":"fly"})");
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"CONSENT_UNKNOWN_ACTION","action":"fly"})");
  data(alice, R"({"__consent":{"a":1},"types":[]})");
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"CONSENT_UNKNOWN_ACTION","action":{"a":1}})");
  data(alice, R"({"__consent":"grant"})");
  EXPECT_ERROR(server, alice, R"({"type":"consent:confirmed","types":[],"version":"v1"})") << "missing counts as none";
  EXPECT_FALSE(server.closed(alice));
}

TEST_F(Consents, who_does_not_consent_in_time_is_put_out) {
  attach({ConsentType::recording});
  const auto alice = server.join();
  const auto bob = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  server.forget();
  pass(30s - 1ms);
  EXPECT_TRUE(server.quiet(bob));
  pass(1ms);
  EXPECT_EQ(server.next(bob)["code"], "CONSENT_TIMEOUT");
  EXPECT_ERROR(server, bob, R"({"type":"kicked","reason":"Consent timeout"})");
  EXPECT_EQ(server.closed(bob), (Closed{{1008, "Consent timeout"}}));
  EXPECT_FALSE(server.closed(alice));
}

TEST_F(Consents, a_grant_that_does_not_cover_all_does_not_stop_the_clock) {
  attach({ConsentType::recording, ConsentType::sharing});
  const auto alice = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  pass(30s);
  EXPECT_TRUE(server.closed(alice));
}

TEST_F(Consents, zero_is_no_time_limit) {
  attach({ConsentType::recording}, false, 0ms);
  const auto alice = server.join();
  pass(std::chrono::hours(24));
  EXPECT_FALSE(server.closed(alice));
  EXPECT_FALSE(restrictions(alice).may_send()) << "and no media";
}

TEST_F(Consents, nothing_of_a_member_is_forwarded_before_it_consented_nor_after_it_withdrew) {
  attach({ConsentType::recording, ConsentType::sharing});
  const auto alice = server.join();
  EXPECT_TRUE(restrictions(alice).has(Restriction::consent, MediaDirection::send));
  EXPECT_TRUE(restrictions(alice).may_receive());
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  EXPECT_FALSE(restrictions(alice).may_send());
  data(alice, R"({"__consent":"grant","types":["sharing","analytics"]})");
  EXPECT_TRUE(restrictions(alice).may_send());
  data(alice, R"({"__consent":"withdraw","types":["analytics"]})");
  EXPECT_TRUE(restrictions(alice).may_send());
  const std::uint64_t epoch = restrictions(alice).epoch;
  data(alice, R"({"__consent":"withdraw","types":["recording"]})");
  EXPECT_FALSE(restrictions(alice).may_send());
  EXPECT_GT(restrictions(alice).epoch, epoch);
}

TEST_F(Consents, the_api_grants_and_revokes) {
  attach({ConsentType::recording});
  const auto alice = server.join();
  consent->record(RoomId("r"), server.peer(alice), types_of({ConsentType::recording}));
  EXPECT_TRUE(restrictions(alice).may_send());
  EXPECT_EQ(consent->find(RoomId("r"), server.peer(alice))->ip, "server-granted");
  pass(60s);
  EXPECT_FALSE(server.closed(alice));
  consent->revoke(RoomId("r"), server.peer(alice));
  EXPECT_FALSE(restrictions(alice).may_send());
  EXPECT_TRUE(consent->all().empty());
}

TEST_F(Consents, a_record_ends_with_the_membership) {
  attach({});
  const auto alice = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  server.send(alice, R"({"type":"leave"})");
  EXPECT_TRUE(consent->all().empty());
  EXPECT_EQ(log.size(), 0U);
}

TEST_F(Consents, a_room_has_consent_when_every_member_has) {
  attach({}, true);
  std::vector<RoomConsentCompleted> complete;
  auto handle =
      server.bus.subscribe<RoomConsentCompleted>([&](const RoomConsentCompleted& fact) { complete.push_back(fact); });
  EXPECT_FALSE(consent->room_has_consent(RoomId("r"), ConsentType::recording)) << "no room";
  const auto alice = server.join();
  const auto bob = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  EXPECT_FALSE(consent->room_has_consent(RoomId("r"), ConsentType::recording));
  EXPECT_TRUE(complete.empty());
  data(bob, R"({"__consent":"grant","types":["recording","sharing"]})");
  EXPECT_TRUE(consent->room_has_consent(RoomId("r"), ConsentType::recording));
  ASSERT_EQ(complete.size(), 1U);
  EXPECT_EQ(complete[0].type, ConsentType::recording);
  data(bob, R"({"__consent":"grant","types":["recording"]})");
  EXPECT_EQ(complete.size(), 1U) << "it was complete already";
  const auto stats = consent->stats();
  ASSERT_EQ(stats.size(), 1U);
  EXPECT_EQ(stats[0].peers, 2U);
  EXPECT_EQ(stats[0].consented, 2U);
}

TEST_F(Consents, records_of_the_absent_are_bounded) {
  ConsentFlowOptions options;
  options.absent_records_max = 3;
  attach_consent(options);
  const auto alice = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  for (int i = 0; i < 10; ++i) {
    server.now += 1ms;
    consent->record(RoomId("x"), PeerId("p" + std::to_string(i)), types_of({ConsentType::sharing}));
  }
  EXPECT_EQ(consent->all().size(), 4U);
  EXPECT_NE(consent->find(RoomId("r"), server.peer(alice)), nullptr);
  EXPECT_NE(consent->find(RoomId("x"), PeerId("p9")), nullptr);
}

TEST_F(Consents, survive_a_restart_of_control) {
  attach({ConsentType::recording});
  const auto alice = server.join();
  const auto bob = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  // The successor has the rooms and the log, and nothing else.
  ConsentFlowOptions options;
  options.required = types_of({ConsentType::recording});
  ConsentFlow successor(server.rooms, server.bus, log, options, {[this] { return server.now; }, unix_ms_at});
  server.bus.publish(RoomsRestored{});
  EXPECT_TRUE(successor.has_consented(RoomId("r"), server.peer(alice), ConsentType::recording));
  EXPECT_FALSE(successor.has_consented(RoomId("r"), server.peer(bob), ConsentType::recording));
  EXPECT_EQ(successor.find(RoomId("r"), server.peer(alice))->granted_at, unix_ms());
  successor.handle_timeout(server.now + 30s);
  EXPECT_TRUE(server.closed(bob));
  EXPECT_FALSE(server.closed(alice));
}

TEST_F(Consents, a_restart_of_control_prolongs_no_deadline) {
  attach({ConsentType::recording});
  const auto alice = server.join();
  const auto bob = server.join();
  const auto carol = server.join();
  data(alice, R"({"__consent":"grant","types":["recording"]})");
  data(carol, R"({"__consent":"grant","types":["recording"]})");
  data(carol, R"({"__consent":"withdraw","types":["recording"]})");
  server.now += 20s;
  ConsentFlowOptions options;
  options.required = types_of({ConsentType::recording});
  consent_payloads.reset();
  consent.reset();
  ConsentFlow successor(server.rooms, server.bus, log, options, {[this] { return server.now; }, unix_ms_at});
  server.bus.publish(RoomsRestored{});
  EXPECT_EQ(successor.next_deadline(), server.now + 10s);  // of the thirty seconds that Bob was given
  successor.handle_timeout(server.now + 10s - 1ms);
  EXPECT_FALSE(server.closed(bob));
  successor.handle_timeout(server.now + 10s);
  EXPECT_EQ(server.closed(bob), (Closed{{1008, "Consent timeout"}}));
  // Carol was in time; that she withdrew later puts nobody out, before a restart or after it (section 20).
  EXPECT_EQ(successor.next_deadline(), never);
  EXPECT_FALSE(server.closed(carol));
  EXPECT_FALSE(restrictions(carol).may_send());
}

TEST(ConsentRecords, damaged_ones_are_not_read) {
  const ConsentRecord record{PeerId("p"), RoomId("r"), types_of({ConsentType::sharing}), "v2", 7, "ip"};
  const std::string json = record_json(record);
  EXPECT_EQ(parse_consent_record(json), record);
  for (std::size_t size = 0; size < json.size(); ++size) EXPECT_FALSE(parse_consent_record(json.substr(0, size)));
  EXPECT_FALSE(parse_consent_record(R"({"peerId":"p","roomId":"r","types":["fly"],"version":"v","grantedAt":1,"ip":""})"));
}

}  // namespace
}  // namespace sluice::testing_native
