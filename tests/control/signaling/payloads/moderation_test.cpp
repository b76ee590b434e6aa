// Contract section 21 on the wire.
#include <map>

#include "control/moderation/moderation_journal.hpp"
#include "tests/control/signaling/payloads/rules_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Moderation : Rules {
  /// A room with a moderator and a member, both silent so far.
  void fill() {
    attach_policy();
    attach_moderation(true);
    mod = join_with({"moderate", "kick", "publish", "subscribe", "data"});
    bob = join_with({"publish", "subscribe", "data"});
    eve = join_with({"publish", "subscribe", "data"});
    server.forget();
  }
  std::string act(const std::string& action, std::uint64_t target, const std::string& more = "") {
    return R"({"__mod":")" + action + R"(","targetId":")" + server.id(target) + "\"" + more + "}";
  }
  std::uint64_t mod = 0;
  std::uint64_t bob = 0;
  std::uint64_t eve = 0;
};

TEST_F(Moderation, mute_tells_everybody_and_stops_the_members_media) {
  fill();
  data(mod, act("mute", bob, R"(,"reason":"noise")"));
  EXPECT_ERROR(server, bob, R"({"type":"mod:muted","by":")" + server.id(mod) + R"(","reason":"noise"})");
  const std::string told =
      R"({"type":"mod:peer:muted","peerId":")" + server.id(bob) + R"(","by":")" + server.id(mod) + "\"}";
  EXPECT_ERROR(server, mod, told);
  EXPECT_ERROR(server, eve, told);
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_FALSE(restrictions(bob).may_send());
  EXPECT_TRUE(restrictions(bob).may_receive());
  EXPECT_TRUE(moderation->is_muted(server.peer(bob)));
}

TEST_F(Moderation, a_mute_is_not_shaken_off_by_publishing_again) {
  fill();
  data(mod, act("mute", bob));
  data(bob, R"({"__sfu":"publish","kind":"audio"})");
  EXPECT_FALSE(restrictions(bob).may_send());
  server.close(bob);
  const auto again = server.open();
  server.send(again, R"({"type":"reconnect","roomId":"r","token":")" + server.tokens[bob] + "\"}");
  EXPECT_FALSE(server.rooms.find_peer(server.peer(bob))->restrictions().may_send()) << "nor by reconnecting";
}

TEST_F(Moderation, unmute_by_a_moderator_and_by_oneself) {
  fill();
  data(mod, act("mute", bob));
  server.forget();
  data(mod, act("unmute", bob, R"(,"reason":"ok")"));
  EXPECT_ERROR(server, bob, R"({"type":"mod:unmuted","by":")" + server.id(mod) + R"(","reason":"ok"})");
  EXPECT_TRUE(restrictions(bob).may_send());
  data(mod, act("mute", bob));
  server.forget();
  data(bob, act("unmute", bob));
  EXPECT_ERROR(server, bob, R"({"type":"mod:unmuted","by":")" + server.id(bob) + R"(","reason":"self-unmute"})");
  EXPECT_TRUE(restrictions(bob).may_send());
  data(bob, act("unmute", eve));
  EXPECT_ERROR(server, bob, R"({"type":"error","code":"MOD_UNAUTHORIZED","action":"unmute"})") << "but nobody else";
}

TEST_F(Moderation, self_unmute_can_be_forbidden) {
  attach_policy();
  ModerationOptions options;
  options.allow_self_unmute = false;
  attach_moderation(true, options);
  mod = join_with({"moderate"});
  bob = join_with({"publish"});
  data(mod, act("mute", bob));
  server.forget();
  data(bob, act("unmute", bob));
  EXPECT_ERROR(server, bob, R"({"type":"error","code":"MOD_UNAUTHORIZED","action":"unmute"})");
  EXPECT_FALSE(restrictions(bob).may_send());
}

TEST_F(Moderation, kick_needs_its_own_capability_and_closes_with_the_reason) {
  fill();
  data(mod, act("kick", bob, R"(,"reason":"spam")"));
  EXPECT_ERROR(server, bob, R"({"type":"kicked","reason":"spam","by":")" + server.id(mod) + "\"}");
  EXPECT_TRUE(server.quiet(bob)) << "once";
  EXPECT_EQ(server.closed(bob), (Closed{{1008, "spam"}}));
  EXPECT_EQ(server.next(eve)["type"], "peer:left");
}

TEST_F(Moderation, warn_is_for_the_target_alone) {
  fill();
  data(mod, act("warn", bob, R"(,"reason":"careful")"));
  EXPECT_ERROR(server, bob, R"({"type":"mod:warned","reason":"careful","by":")" + server.id(mod) + "\"}");
  EXPECT_TRUE(server.quiet(eve));
  EXPECT_TRUE(server.quiet(mod));
}

TEST_F(Moderation, a_locked_room_lets_nobody_in_but_those_who_come_back) {
  fill();
  data(mod, R"({"__mod":"lock:room"})");
  const std::string locked = R"({"type":"room:locked","lockedBy":")" + server.id(mod) + "\"}";
  for (const auto client : {mod, bob, eve}) EXPECT_ERROR(server, client, locked);
  const Json error = expect_join_refused("{}");
  EXPECT_EQ(error["code"], "JOIN_REJECTED");
  EXPECT_EQ(error["message"], "Room is currently locked by a moderator");
  server.close(bob);
  const auto back = server.open();
  server.send(back, R"({"type":"reconnect","roomId":"r","token":")" + server.tokens[bob] + "\"}");
  EXPECT_EQ(server.next(back)["type"], "room:state");
  server.forget();
  data(mod, R"({"__mod":"unlock:room"})");
  EXPECT_ERROR(server, eve, R"({"type":"room:unlocked","unlockedBy":")" + server.id(mod) + "\"}");
  server.join();
}

TEST_F(Moderation, a_lock_ends_with_its_room) {
  attach_moderation(false);
  mod = server.join();
  data(mod, R"({"__mod":"lock:room"})");
  server.send(mod, R"({"type":"leave"})");
  EXPECT_FALSE(moderation->is_locked(RoomId("r")));
  EXPECT_EQ(log.size(), 0U);
  server.join();
}

TEST_F(Moderation, who_lacks_the_capability_is_told_so_and_nothing_happens) {
  fill();
  for (const char* action : {"mute", "unmute", "kick", "warn", "lock:room", "unlock:room"}) {
    data(eve, act(action, bob));
    EXPECT_ERROR(server, eve, R"({"type":"error","code":"MOD_UNAUTHORIZED","action":")" + std::string(action) + "\"}");
  }
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_TRUE(restrictions(bob).may_send());
  EXPECT_TRUE(moderation->log({}).empty());
}

TEST_F(Moderation, without_a_policy_engine_everybody_may) {
  attach_moderation(false);
  const auto alice = server.join();
  bob = server.join();
  server.forget();
  data(alice, act("mute", bob));
  EXPECT_EQ(server.next(bob)["type"], "mod:muted");
}

TEST_F(Moderation, the_arm_of_a_moderator_ends_at_the_room) {
  fill();
  const auto far = join_with({"publish"}, "elsewhere");
  server.forget();
  for (const char* action : {"mute", "kick", "warn"}) data(mod, act(action, far));
  data(mod, R"({"__mod":"mute","targetId":"nobody"})");
  data(mod, R"({"__mod":"mute"})");
  data(mod, R"({"__mod":"mute","targetId":{"a":1}})");
  EXPECT_TRUE(server.quiet(far));
  EXPECT_TRUE(server.quiet(mod));
  EXPECT_FALSE(server.closed(far));
  EXPECT_TRUE(restrictions(far).may_send());
}

TEST_F(Moderation, a_report_is_received_and_shown_to_nobody_even_when_payloads_are_relayed) {
  SignalingOptions options;
  options.relay_control_payloads = true;
  Server relaying(options);
  ModerationBus bus(relaying.rooms, relaying.bus, log, {}, nullptr, [] { return std::int64_t{7}; });
  ModerationPayloads payloads(relaying.rooms, bus);
  relaying.dialect.attach(payloads);
  std::vector<AbuseReported> reports;
  auto handle = relaying.bus.subscribe<AbuseReported>([&](const AbuseReported& fact) { reports.push_back(fact); });
  const auto alice = relaying.join();
  const auto villain = relaying.join();
  relaying.forget();
  const auto report = [&](const std::string& more) {
    relaying.send(alice, R"({"type":"data","payload":{"__mod":"report:abuse","targetId":")" + relaying.id(villain) + "\"" +
                             more + "}}");
    EXPECT_ERROR(relaying, alice, R"({"type":"mod:report:received"})");
  };
  report(R"(,"category":"spam","detail":"ads","reason":"ignored")");
  report(R"(,"reason":"words of the documentation")");
  EXPECT_TRUE(relaying.quiet(villain));
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].category, "spam");
  EXPECT_EQ(reports[0].detail, "ads");
  EXPECT_EQ(reports[0].reporter, relaying.id(alice));
  EXPECT_EQ(reports[0].target, relaying.id(villain));
  EXPECT_EQ(reports[1].category, "unspecified");
  EXPECT_EQ(reports[1].detail, "words of the documentation");
  EXPECT_EQ(bus.log({}).back().action, "report:abuse");
  EXPECT_EQ(bus.log({}).back().reason, "words of the documentation");
  relaying.send(alice, R"({"type":"data","payload":{"__mod":"lock:room"}})");
  EXPECT_EQ(relaying.next(villain)["type"], "room:locked");
  EXPECT_EQ(relaying.next(villain)["type"], "data") << "other payloads are relayed as asked for";
}

TEST_F(Moderation, unknown_actions) {
  fill();
  data(mod, act("fly", bob));
  EXPECT_ERROR(server, mod, R"({"type":"error","code":"MOD_UNKNOWN_ACTION","action":"fly"})");
  data(mod, R"({"__mod":[1]})");
  EXPECT_ERROR(server, mod, R"({"type":"error","code":"MOD_UNKNOWN_ACTION","action":[1]})");
}

TEST_F(Moderation, a_programmatic_actor_that_is_a_member_needs_the_capability_too) {
  fill();
  const auto as = [&](const std::string& actor) { return moderation->mute({RoomId("r"), server.peer(bob), actor, "api"}); };
  EXPECT_EQ(as(server.id(eve)).error(), ModerationError::unauthorized);
  EXPECT_TRUE(as(server.id(mod)));
  EXPECT_TRUE(as("system"));
  EXPECT_TRUE(as("operator@example.com"));
  EXPECT_EQ(moderation->mute({RoomId("other"), server.peer(bob), "system", ""}).error(), ModerationError::not_found);
  const auto outsider = join_with({"admin"}, "elsewhere");
  EXPECT_EQ(as(server.id(outsider)).error(), ModerationError::unauthorized);
}

TEST_F(Moderation, the_log_keeps_the_newest_and_answers_by_room_and_actor) {
  attach_moderation(false, {true, 5, 10});
  const auto alice = server.join("a");
  bob = server.join("b");
  for (int i = 0; i < 4; ++i)
    (void)moderation->warn({RoomId("a"), server.peer(alice), "system", std::to_string(i) + std::string(20, 'x')});
  for (int i = 0; i < 3; ++i) (void)moderation->warn({RoomId("b"), server.peer(bob), "ops", "b"});
  EXPECT_EQ(moderation->log({}).size(), 5U);
  EXPECT_EQ(moderation->log({RoomId("a"), std::nullopt, 100}).size(), 2U);
  EXPECT_EQ(moderation->log({RoomId("a"), std::nullopt, 100}).back().reason, "3xxxxxxxxx") << "newest last, cut";
  EXPECT_EQ(moderation->log({std::nullopt, "ops", 2}).size(), 2U);
  moderation->restore_log({{"kick", "old", "", RoomId("a"), "", 1}});
  EXPECT_EQ(moderation->log({}).size(), 5U) << "what was before does not push out what is";
}

TEST_F(Moderation, mutes_and_locks_survive_a_restart_of_control) {
  fill();
  data(mod, act("mute", bob));
  data(mod, R"({"__mod":"lock:room"})");
  ModerationBus successor(server.rooms, server.bus, log, {}, nullptr, [] { return std::int64_t{0}; });
  EXPECT_FALSE(successor.is_locked(RoomId("r")));
  server.bus.publish(RoomsRestored{});
  EXPECT_TRUE(successor.is_locked(RoomId("r")));
  EXPECT_EQ(successor.muted_in(RoomId("r")), (std::vector<PeerId>{server.peer(bob)}));
}

/// A store in memory.
class MapStore final : public Store {
 public:
  void put(std::string_view table, std::string_view key, std::string value) override {
    rows[std::string(table)][std::string(key)] = std::move(value);
  }
  void erase(std::string_view table, std::string_view key) override { rows[std::string(table)].erase(std::string(key)); }
  void flush(Flushed done) override { done(true); }
  void load(std::string_view table, const Visit& visit) const override {
    const auto found = rows.find(std::string(table));
    if (found == rows.end()) return;
    for (const auto& [key, value] : found->second) visit(key, value);
  }
  StoreStatistics statistics() const override { return {}; }
  std::map<std::string, std::map<std::string, std::string>> rows;
};

TEST_F(Moderation, the_log_outlives_the_server_in_the_store) {
  MapStore store;
  attach_moderation(false);
  {
    ModerationJournal journal(store, *moderation, server.bus, 3);
    const auto alice = server.join("a");
    for (int i = 0; i < 5; ++i) (void)moderation->warn({RoomId("a"), server.peer(alice), "system", std::to_string(i)});
  }
  EXPECT_EQ(store.rows["moderation_log"].size(), 3U);
  store.rows["moderation_log"]["00000000000000000004"] = "damaged";
  Server later;
  ModerationBus again(later.rooms, later.bus, log, {}, nullptr, [] { return std::int64_t{0}; });
  ModerationJournal journal(store, again, later.bus, 3);
  ASSERT_EQ(again.log({}).size(), 2U);
  EXPECT_EQ(again.log({}).front().reason, "2");
  EXPECT_EQ(again.log({}).back().reason, "4");
  const auto guest = later.join("a");
  (void)again.warn({RoomId("a"), later.peer(guest), "system", "later"});
  EXPECT_EQ(store.rows["moderation_log"].size(), 3U);
  EXPECT_TRUE(store.rows["moderation_log"].contains("00000000000000000006"));
}

}  // namespace
}  // namespace sluice::testing_native
