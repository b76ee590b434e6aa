// Contract section 19 on the wire.
#include "tests/control/signaling/payloads/rules_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Keys : Rules {
  void announce(std::uint64_t client, const std::string& key = "QUJD") {
    data(client, R"({"__e2e":"key:announce","publicKey":")" + key + "\"}");
  }
};

TEST_F(Keys, announcing_is_confirmed_and_told_to_the_others) {
  attach_e2e();
  const auto alice = server.join();
  const auto bob = server.join();
  server.forget();
  announce(alice);
  EXPECT_ERROR(server, alice, R"({"type":"e2e:key:confirmed","action":"announced","version":1})");
  EXPECT_ERROR(server, bob,
               R"({"type":"e2e:key:announced","roomId":"r","peerId":")" + server.id(alice) +
                   R"(","publicKey":"QUJD","curve":"P-256","version":1})");
  EXPECT_TRUE(server.quiet(alice));
  announce(alice);
  EXPECT_EQ(server.next(alice)["code"], "E2E_KEY_ALREADY_ANNOUNCED");
}

TEST_F(Keys, rotating_raises_the_version_and_keeps_the_curve) {
  attach_e2e();
  const auto alice = server.join();
  const auto bob = server.join();
  data(alice, R"({"__e2e":"key:rotate","publicKey":"QUJD"})");
  server.forget();
  data(alice, R"({"__e2e":"key:announce","publicKey":"QUJD","curve":"X25519"})");
  server.forget();
  data(alice, R"({"__e2e":"key:rotate","publicKey":"REVG"})");
  EXPECT_ERROR(server, alice, R"({"type":"e2e:key:confirmed","action":"rotated","version":2})");
  EXPECT_ERROR(server, bob,
               R"({"type":"e2e:key:rotated","roomId":"r","peerId":")" + server.id(alice) +
                   R"(","publicKey":"REVG","curve":"X25519","version":2})");
}

TEST_F(Keys, a_key_that_was_not_announced_cannot_be_rotated) {
  attach_e2e();
  const auto alice = server.join();
  data(alice, R"({"__e2e":"key:rotate","publicKey":"QUJD"})");
  const Json error = server.next(alice);
  EXPECT_EQ(error["code"], "E2E_KEY_NOT_ANNOUNCED");
  EXPECT_TRUE(error["message"].is_string());
}

TEST_F(Keys, what_is_a_key) {
  attach_e2e();
  const auto alice = server.join();
  for (const std::string& key :
       {std::string(R"("")"), std::string("5"), std::string("null"), std::string(R"("a b")"), std::string(R"("===")"),
        std::string(R"("a=b")"), std::string(R"("ä")"), '"' + std::string(513, 'A') + '"'}) {
    data(alice, R"({"__e2e":"key:announce","publicKey":)" + key + "}");
    EXPECT_EQ(server.next(alice)["code"], "E2E_INVALID_KEY") << key;
  }
  for (const char* curve : {R"("P-521")", "5", R"("")"}) {
    data(alice, R"({"__e2e":"key:announce","publicKey":"QUJD","curve":)" + std::string(curve) + "}");
    EXPECT_EQ(server.next(alice)["code"], "E2E_INVALID_KEY") << curve;
  }
  data(alice, R"({"__e2e":"key:announce"})");
  EXPECT_EQ(server.next(alice)["code"], "E2E_INVALID_KEY");
  announce(alice, std::string(508, 'A') + "-_==");
  EXPECT_EQ(server.next(alice)["type"], "e2e:key:confirmed");
}

TEST_F(Keys, a_joiner_gets_a_snapshot_if_there_is_a_key) {
  attach_e2e();
  const auto alice = server.join();
  const auto bob = server.join();
  EXPECT_TRUE(server.quiet(bob));
  announce(alice);
  announce(bob, "REVG");
  const auto carol = server.open();
  server.send(carol, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(carol)["type"], "room:joined");
  EXPECT_EQ(server.next(carol)["type"], "sfu:ready");
  const std::string at = std::to_string(unix_ms());
  EXPECT_ERROR(server, carol,
               R"({"type":"e2e:key:snapshot","roomId":"r","keys":[{"peerId":")" + server.id(alice) +
                   R"(","publicKey":"QUJD","curve":"P-256","announcedAt":)" + at + R"(,"version":1},{"peerId":")" +
                   server.id(bob) + R"(","publicKey":"REVG","curve":"P-256","announcedAt":)" + at + R"(,"version":1}]})");
}

TEST_F(Keys, a_key_is_given_on_request_within_the_room) {
  attach_e2e();
  const auto alice = server.join();
  const auto bob = server.join();
  const auto far = server.join("elsewhere");
  announce(alice);
  announce(far);
  server.forget();
  const auto request = [&](const std::string& target) {
    data(bob, R"({"__e2e":"key:request","targetPeerId":)" + target + "}");
  };
  request('"' + server.id(alice) + '"');
  EXPECT_ERROR(server, bob,
               R"({"type":"e2e:key:response","targetPeerId":")" + server.id(alice) +
                   R"(","publicKey":"QUJD","curve":"P-256","version":1,"announcedAt":)" + std::to_string(unix_ms()) + "}");
  request('"' + server.id(bob) + '"');
  EXPECT_EQ(server.next(bob)["type"], "e2e:key:not-found");
  request('"' + server.id(far) + '"');
  const Json other = server.next(bob);
  EXPECT_EQ(other["type"], "e2e:key:not-found") << "another room's";
  EXPECT_EQ(other["targetPeerId"], server.id(far));
  for (const char* target : {"5", "null", R"("")", "{}"}) {
    request(target);
    EXPECT_EQ(server.next(bob)["code"], "E2E_INVALID_REQUEST") << target;
  }
  data(bob, R"({"__e2e":"key:steal"})");
  EXPECT_EQ(server.next(bob)["code"], "E2E_UNKNOWN_ACTION");
}

TEST_F(Keys, a_held_peer_keeps_its_key_and_a_departed_one_loses_it) {
  attach_e2e();
  const auto alice = server.join();
  const auto bob = server.join();
  announce(alice);
  server.forget();
  server.close(alice);
  EXPECT_NE(e2e->key_of(server.peer(alice)), nullptr);
  EXPECT_TRUE(server.quiet(bob));
  server.pass(16s);
  EXPECT_EQ(e2e->key_of(server.peer(alice)), nullptr);
  Json seen = server.next(bob);
  while (!seen.is_null() && seen["type"] != "e2e:key:revoked") seen = server.next(bob);
  EXPECT_EQ(seen, Json::parse(R"({"type":"e2e:key:revoked","roomId":"r","peerId":")" + server.id(alice) + "\"}"));
  EXPECT_EQ(log.size(), 0U);
}

TEST_F(Keys, without_a_key_in_time_one_is_put_out_if_it_is_required) {
  attach_e2e({true, 10s, {"P-256"}});
  const auto alice = server.join();
  const auto bob = server.join();
  announce(alice);
  server.forget();
  e2e->handle_timeout(server.now + 10s - 1ms);
  EXPECT_FALSE(server.closed(bob));
  e2e->handle_timeout(server.now + 10s);
  const Json error = server.next(bob);
  EXPECT_EQ(error["code"], "E2E_KEY_REQUIRED");
  EXPECT_TRUE(error["message"].is_string());
  EXPECT_ERROR(server, bob, R"({"type":"kicked","reason":"E2E key not announced in time"})");
  EXPECT_EQ(server.closed(bob), (Closed{{1008, "E2E key not announced in time"}}));
  EXPECT_FALSE(server.closed(alice));
}

TEST_F(Keys, a_restart_of_control_prolongs_no_deadline) {
  E2eOptions options;
  options.require_key_on_join = true;
  attach_e2e(options);
  const auto alice = server.join();
  const auto bob = server.join();
  data(alice, R"({"__e2e":"key:announce","publicKey":"QUJD"})");
  server.now += 7s;
  e2e_payloads.reset();
  e2e.reset();
  E2eKeyExchange successor(server.rooms, server.bus, log, options, {[this] { return server.now; }, unix_ms_at});
  server.bus.publish(RoomsRestored{});
  EXPECT_EQ(successor.next_deadline(), server.now + 3s);
  successor.handle_timeout(server.now + 3s);
  EXPECT_TRUE(server.closed(bob));
  EXPECT_FALSE(server.closed(alice));
  EXPECT_EQ(successor.next_deadline(), never);
}

TEST_F(Keys, survive_a_restart_of_control_and_work_in_rooms_of_before) {
  const auto early = server.join();
  attach_e2e();
  announce(early);
  const auto alice = server.join();
  announce(alice, "REVG");
  E2eKeyExchange successor(server.rooms, server.bus, log, {}, {[this] { return server.now; }, unix_ms_at});
  server.bus.publish(RoomsRestored{});
  ASSERT_NE(successor.key_of(server.peer(alice)), nullptr);
  EXPECT_EQ(*successor.key_of(server.peer(alice)), *e2e->key_of(server.peer(alice)));
  EXPECT_EQ(successor.room_keys(RoomId("r")).size(), 2U);
  EXPECT_EQ(successor.stats().at(0).peers, 2U);
}

}  // namespace
}  // namespace sluice::testing_native
