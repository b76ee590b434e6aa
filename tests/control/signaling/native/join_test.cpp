// Contract sections 3 and 5.
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

TEST(NativeJoin, is_answered_with_the_room_and_told_to_the_others) {
  Server server;
  const auto alice = server.open();
  server.send(alice,
              R"({"type":"join","roomId":"standup","metadata":{"displayName":"Alice","x":{"y":[1.50]},"gone":null}})");
  EXPECT_EQ(server.next_raw(alice),
            R"({"type":"room:joined","roomId":"standup","peerId":")" + server.id(alice) + R"(","peers":[],"metadata":{}})");
  const auto bob = server.open();
  server.send(bob, R"({"type":"join","roomId":"standup"})");
  const std::string snapshot =
      R"({"id":")" + server.id(alice) +
      R"(","roomId":"standup","state":"joined","metadata":{"displayName":"Alice","x":{"y":[1.50]}}})";
  EXPECT_EQ(server.next_raw(bob), R"({"type":"room:joined","roomId":"standup","peerId":")" + server.id(bob) +
                                      R"(","peers":[)" + snapshot + R"(],"metadata":{}})");
  EXPECT_EQ(
      server.next(alice),
      (Json{{"type", "peer:joined"},
            {"peer", {{"id", server.id(bob)}, {"roomId", "standup"}, {"state", "joined"}, {"metadata", Json::object()}}}}));
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_TRUE(server.quiet(bob));
}

TEST(NativeJoin, by_a_name_like_another_dialects_is_a_room_of_its_own_and_the_client_sees_its_name) {
  Server server(held());
  const auto alice = server.join("protoo:r");
  EXPECT_NE(server.rooms.find_room(RoomId("native:protoo:r")), nullptr);
  EXPECT_EQ(server.rooms.find_room(RoomId("protoo:r")), nullptr);
  const auto bob = server.open();
  server.send(bob, R"({"type":"join","roomId":"protoo:r"})");
  const Json joined = server.next(bob);
  EXPECT_EQ(joined["roomId"], "protoo:r");
  EXPECT_EQ(joined["peers"][0]["roomId"], "protoo:r");
  EXPECT_EQ(server.next(alice)["peer"]["roomId"], "protoo:r");
  server.close(alice);
  const auto again = server.open();
  server.send(again, R"({"type":"reconnect","roomId":"protoo:r","token":")" + server.tokens[alice] + R"("})");
  EXPECT_EQ(server.next(again)["roomId"], "protoo:r");
}

TEST(NativeJoin, must_come_first) {
  for (const std::string first : {R"({"type":"data","payload":1})", R"({"type":"leave"})", R"({})", "null", "5", R"("join")",
                                  "[]", "true", R"({"type":5})", R"({"type":null})", R"({"__proto__":{"type":"join"}})"}) {
    Server server;
    const auto client = server.open();
    server.send(client, first);
    const Json error = server.next(client);
    EXPECT_EQ(error.value("code", ""), "MUST_JOIN_FIRST") << first;
    EXPECT_TRUE(error.contains("message"));
    EXPECT_EQ(server.closed(client), (Closed{{1008, "Protocol violation"}})) << first;
    EXPECT_TRUE(server.rooms.peers().empty());
  }
}

TEST(NativeJoin, ignores_what_is_not_json_before_and_after) {
  Server server;
  const auto client = server.open();
  const std::string deep = R"({"type":"join","roomId":)" + std::string(200, '[') + std::string(200, ']') + "}";
  const std::vector<std::string> junk = {"",
                                         "hello",
                                         "{",
                                         "\xFF\xFE",
                                         "{\"type\":\"\xC3\"}",
                                         deep,
                                         R"({"type":"leave","type":"join"})",
                                         std::string("{\"type\":\"leave\"}\0", 17)};
  for (const std::string& text : junk) server.send(client, text);
  EXPECT_TRUE(server.quiet(client));
  EXPECT_FALSE(server.closed(client));
  server.send(client, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(client)["type"], "room:joined");
  for (const std::string& text : junk) server.send(client, text);
  for (const std::string text : {"null", "1", "[]", "{}", R"({"type":"nonsense"})", R"({"type":"join","roomId":"x"})",
                                 R"({"type":"reconnect","token":"x"})"}) {
    server.send(client, text);
  }
  EXPECT_TRUE(server.quiet(client));
  EXPECT_FALSE(server.closed(client));
  EXPECT_EQ(server.rooms.find_peer(server.peer(client))->room(), RoomId("r"));
}

TEST(NativeJoin, refuses_room_ids_that_are_blank_too_long_or_no_text) {
  for (const std::string& room : std::vector<std::string>{R"("")", R"("  \t\n")", R"("\u00a0\u3000\ufeff")", "5", "null",
                                                          "[]", R"({"a":1})", '"' + std::string(513, 'x') + '"'}) {
    Server server;
    const auto client = server.open();
    server.send(client, R"({"type":"join","roomId":)" + room + "}");
    EXPECT_ERROR(server, client, R"({"type":"error","code":"INVALID_ROOM_ID"})");
    EXPECT_EQ(server.closed(client), (Closed{{1008, "Invalid roomId"}}));
    EXPECT_TRUE(server.rooms.peers().empty());
  }
  Server server;
  const auto client = server.open();
  server.send(client, R"({"type":"join"})");
  EXPECT_ERROR(server, client, R"({"type":"error","code":"INVALID_ROOM_ID"})");
}

TEST(NativeJoin, uses_room_ids_verbatim) {
  Server server;
  for (const std::string& room : std::vector<std::string>{" padded ", "日本 \u00e9😀", "__proto__", std::string(512, 'x')}) {
    const auto client = server.open();
    server.send(client, Json{{"type", "join"}, {"roomId", room}}.dump());
    EXPECT_EQ(server.next(client)["roomId"], room);
    EXPECT_NE(server.rooms.find_room(RoomId(room)), nullptr);
  }
}

TEST(NativeJoin, drops_reserved_metadata_keys_and_ignores_other_types) {
  Server server;
  const auto client = server.join("r", R"({"__caps":["admin"],"__proto__":1,"ok":"yes"})");
  EXPECT_EQ(server.rooms.find_peer(server.peer(client))->metadata(), (Metadata{{"ok", "\"yes\""}}));
  for (const std::string metadata : {"[1]", "5", "\"text\"", "null", R"({"a":1,"a":2})"}) {
    const auto other = server.join("r", metadata);
    EXPECT_TRUE(server.rooms.find_peer(server.peer(other))->metadata().empty()) << metadata;
  }
}

TEST(NativeJoin, refuses_metadata_that_would_burden_everybody) {
  Server server;
  const auto client = server.open();
  server.send(client, R"({"type":"join","roomId":"r","metadata":{"x":")" + std::string(70'000, 'x') + "\"}}");
  EXPECT_EQ(server.next(client)["code"], "JOIN_REJECTED");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Metadata too large"}}));
}

TEST(NativeJoin, may_be_repeated_when_the_room_was_full) {
  SignalingOptions options = held();
  options.max_peers_per_room = 1;
  Server server(options);
  const auto alice = server.join();
  const auto bob = server.open();
  server.send(bob, R"({"type":"join","roomId":"r"})");
  EXPECT_ERROR(server, bob, R"({"type":"error","code":"ROOM_FULL","roomId":"r"})");
  EXPECT_FALSE(server.closed(bob));
  server.close(alice);  // held members still count
  server.send(bob, R"({"type":"data","payload":1})");
  server.send(bob, R"({"type":"join","roomId":"r"})");
  EXPECT_ERROR(server, bob, R"({"type":"error","code":"ROOM_FULL","roomId":"r"})");
  server.pass(15s);
  server.send(bob, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(bob)["type"], "room:joined");
}

TEST(NativeJoin, needs_an_existing_room_when_rooms_are_not_made_by_joining) {
  SignalingOptions options;
  options.auto_create_rooms = false;
  Server server(options);
  const auto client = server.open();
  server.send(client, R"({"type":"join","roomId":"r"})");
  EXPECT_ERROR(server, client, R"({"type":"error","code":"ROOM_NOT_FOUND","roomId":"r"})");
  EXPECT_EQ(server.closed(client), (Closed{{1008, "Room not found"}}));
  ASSERT_TRUE(server.rooms.create(RoomId("r"), {{"topic", "\"Daily\""}}, std::nullopt, server.now));
  const auto other = server.open();
  server.send(other, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(other)["metadata"], (Json{{"topic", "Daily"}}));
}

TEST(NativeJoin, tells_token_and_ice_servers_only_when_they_apply) {
  Server server(held());
  server.dialect.set_ice_servers([](const PeerId&, TimePoint) { return R"([{"urls":["turn:t"]}])"; });
  const auto client = server.open();
  server.send(client, R"({"type":"join","roomId":"r"})");
  const Json joined = server.next(client);
  EXPECT_EQ(joined["reconnectToken"].get<std::string>().size(), 43U);
  EXPECT_EQ(joined["iceServers"][0]["urls"][0], "turn:t");
}

}  // namespace
}  // namespace sluice::testing_native
