// Contract sections 6 and 7.
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Three : ::testing::Test {
  Server server;
  std::uint64_t alice = server.join();
  std::uint64_t bob = server.join();
  std::uint64_t carol = server.join();
  std::uint64_t stranger = server.join("elsewhere");
  void SetUp() override { server.forget(); }
  std::string to(std::uint64_t client) { return R"("target":")" + server.id(client) + '"'; }
  bool all_quiet() { return server.quiet(alice) && server.quiet(bob) && server.quiet(carol) && server.quiet(stranger); }
};

TEST_F(Three, signalling_goes_to_its_target_byte_for_byte) {
  struct Case {
    std::string type, key, value;
  };
  for (const Case& c :
       {Case{"offer", "sdp", R"("v=0\r\n\u00e9 é😀")"}, Case{"answer", "sdp", R"({ "type":"answer","n":1.500,"n":2 })"},
        Case{"ice-candidate", "candidate", R"({"candidate":"candidate:1 1 UDP 1e3", "sdpMLineIndex": 0 })"}}) {
    server.send(alice, R"({"type":")" + c.type + R"(",)" + to(bob) + R"(,")" + c.key + R"(":)" + c.value + "}");
    EXPECT_EQ(server.next_raw(bob),
              R"({"type":")" + c.type + R"(","from":")" + server.id(alice) + R"(",")" + c.key + R"(":)" + c.value + "}");
    EXPECT_TRUE(all_quiet());
  }
}

TEST_F(Three, signalling_without_target_or_body_is_dropped) {
  for (const std::string text :
       {R"({"type":"offer","sdp":"x"})", R"({"type":"offer","target":5,"sdp":"x"})",
        R"({"type":"answer","target":"nobody","sdp":"x"})", R"({"type":"offer","target":"__sfu__","sdp":"x"})"}) {
    server.send(alice, text);
  }
  for (const std::string body : {R"("sdp":"")", R"("sdp":null)", R"("sdp":0)", R"("sdp":false)", R"("candidate":"x")"}) {
    server.send(alice, R"({"type":"offer",)" + to(bob) + "," + body + "}");
  }
  for (const std::string body : {R"("candidate":"")", R"("candidate":null)"}) {
    server.send(alice, R"({"type":"ice-candidate",)" + to(bob) + "," + body + "}");
  }
  server.send(alice, R"({"type":"offer",)" + to(stranger) + R"(,"sdp":"x"})");
  EXPECT_TRUE(all_quiet());
}

TEST_F(Three, data_goes_to_all_others_as_one_shared_text) {
  const std::string payload = R"({ "a" : 1.0, "a":2, "big":12345678901234567890, "s":"\u0041\/" })";
  server.sink.texts.clear();
  server.send(alice, R"({"type":"data","payload":)" + payload + "}");
  const std::string expected = R"({"type":"data","from":")" + server.id(alice) + R"(","payload":)" + payload + "}";
  EXPECT_EQ(server.next_raw(bob), expected);
  EXPECT_EQ(server.next_raw(carol), expected);
  EXPECT_TRUE(all_quiet());
  ASSERT_EQ(server.sink.texts.size(), 2U);
  EXPECT_EQ(server.sink.texts[0].get(), server.sink.texts[1].get());
}

TEST_F(Three, data_may_be_anything_but_absent) {
  for (const std::string payload : {"null", "0", "false", "\"\"", "[]"}) {
    server.send(alice, R"({"type":"data",)" + to(bob) + R"(,"payload":)" + payload + "}");
    EXPECT_EQ(server.next(bob)["payload"], Json::parse(payload));
  }
  server.send(alice, R"({"type":"data"})");
  EXPECT_EQ(server.next(alice)["code"], "MISSING_PAYLOAD");
  EXPECT_FALSE(server.closed(alice));
  EXPECT_TRUE(all_quiet());
}

TEST_F(Three, data_may_go_to_oneself_but_not_to_another_room) {
  server.send(alice, R"({"type":"data",)" + to(alice) + R"(,"payload":1})");
  EXPECT_EQ(server.next(alice)["from"], server.id(alice));
  server.send(alice, R"({"type":"data",)" + to(stranger) + R"(,"payload":1})");
  server.send(alice, R"({"type":"data","target":{},"payload":1})");
  EXPECT_TRUE(all_quiet());
  server.send(alice, R"({"type":"data","target":"","payload":1})");  // no target
  EXPECT_EQ(server.next(bob)["payload"], 1);
}

TEST_F(Three, control_payloads_of_modules_that_are_not_attached_are_data) {
  server.send(alice, R"({"type":"data","payload":{"__sfu":"publish","kind":"audio"}})");
  EXPECT_EQ(server.next(bob)["payload"]["__sfu"], "publish");
  EXPECT_EQ(server.next(carol)["payload"]["__sfu"], "publish");
  EXPECT_TRUE(all_quiet());
}

TEST_F(Three, nothing_of_a_peer_that_left_reaches_the_room) {
  server.send(alice, R"({"type":"leave"})");
  server.forget();
  server.send(alice, R"({"type":"data","payload":1})");
  server.send(alice, R"({"type":"offer",)" + to(bob) + R"(,"sdp":"x"})");
  server.send(alice, R"({"type":"metadata","patch":{"a":1}})");
  EXPECT_TRUE(all_quiet());
  server.rooms.kick(server.peer(bob));
  server.forget();
  server.send(bob, R"({"type":"data","payload":1})");
  EXPECT_TRUE(server.quiet(carol));
}

TEST_F(Three, metadata_is_merged_and_told) {
  server.send(alice, R"({"type":"metadata","patch":{"name":"A","muted":true,"n":1.50}})");
  EXPECT_EQ(server.next_raw(bob),
            R"({"type":"peer:updated","peerId":")" + server.id(alice) + R"(","patch":{"name":"A","muted":true,"n":1.50}})");
  EXPECT_EQ(server.next_raw(alice), R"({"type":"metadata:updated","metadata":{"name":"A","muted":true,"n":1.50}})");
  server.forget();
  server.send(alice, R"({"type":"metadata","patch":{"name":null,"other":null,"n":2}})");
  EXPECT_EQ(server.next_raw(carol),
            R"({"type":"peer:updated","peerId":")" + server.id(alice) + R"(","patch":{"name":null,"other":null,"n":2}})");
  EXPECT_EQ(server.next_raw(alice), R"({"type":"metadata:updated","metadata":{"muted":true,"n":2}})");
  EXPECT_TRUE(server.quiet(stranger));
}

TEST_F(Three, metadata_patches_are_checked_and_refused_whole) {
  for (const std::string patch :
       {"", R"(,"patch":null)", R"(,"patch":[1])", R"(,"patch":"x")", R"(,"patch":{"a":1,"a":2})"}) {
    server.send(alice, R"({"type":"metadata")" + patch + "}");
    EXPECT_EQ(server.next(alice)["code"], "INVALID_METADATA_PATCH") << patch;
  }
  server.send(alice, R"({"type":"metadata","patch":{"ok":1,"__caps":["admin"]}})");
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"INVALID_METADATA_KEY","key":"__caps"})");
  server.send(alice, R"({"type":"metadata","patch":{"__proto__":1}})");
  EXPECT_ERROR(server, alice, R"({"type":"error","code":"INVALID_METADATA_KEY","key":"__proto__"})");
  for (const std::string value : {"{}", "[]"}) {
    server.send(alice, R"({"type":"metadata","patch":{"ok":1,"bad":)" + value + "}}");
    EXPECT_ERROR(server, alice, R"({"type":"error","code":"INVALID_METADATA_VALUE","key":"bad"})");
  }
  server.send(alice, R"({"type":"metadata","patch":{"x":")" + std::string(70'000, 'x') + R"("}})");
  EXPECT_EQ(server.next(alice)["code"], "INVALID_METADATA_PATCH");
  EXPECT_TRUE(server.rooms.find_peer(server.peer(alice))->metadata().empty());
  EXPECT_TRUE(all_quiet());
}

TEST_F(Three, room_metadata_comes_from_the_server_and_keeps_nulls) {
  ASSERT_TRUE(server.rooms.patch_room_metadata(RoomId("r"), {{"topic", "\"x\""}, {"empty", "null"}}));
  for (const auto client : {alice, bob, carol}) {
    EXPECT_EQ(server.next_raw(client), R"({"type":"room:updated","patch":{"topic":"x","empty":null}})");
  }
  const auto late = server.open();
  server.send(late, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(late)["metadata"].dump(), R"({"topic":"x","empty":null})");
}

TEST_F(Three, the_server_may_say_anything_to_a_room_or_a_peer) {
  ASSERT_TRUE(server.rooms.broadcast_data(RoomId("r"), R"({"x":1})"));
  for (const auto client : {alice, bob, carol}) EXPECT_EQ(server.next(client)["from"], "__admin__");
  ASSERT_TRUE(server.rooms.post(RoomId("r"), R"({"type":"admin:mute-all","roomId":"r"})", {server.peer(bob)}));
  EXPECT_EQ(server.next(alice)["type"], "admin:mute-all");
  EXPECT_EQ(server.next(carol)["type"], "admin:mute-all");
  EXPECT_TRUE(server.rooms.post(server.peer(bob), R"({"type":"region:hint"})"));
  EXPECT_EQ(server.next(bob)["type"], "region:hint");
  EXPECT_FALSE(server.rooms.post(PeerId("nobody"), "{}"));
  EXPECT_FALSE(server.rooms.post(RoomId("nowhere"), "{}", {}));
  EXPECT_TRUE(all_quiet());
}

}  // namespace
}  // namespace sluice::testing_native
