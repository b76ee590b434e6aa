// Contract protoo, sections 4, 8 and 10: what clients ask for.
#include "tests/control/signaling/protoo/protoo_harness.hpp"

namespace sluice::testing_protoo {
namespace {

TEST(ProtooMethods, echo_works_before_join) {
  Server server;
  const auto client = server.open("", "a");
  EXPECT_EQ(server.ask(client, "echo", R"({"text":"h\u00e9 \"x\""})"), success({{"message", "Echoing: h\xC3\xA9 \"x\""}}));
  EXPECT_EQ(server.ask(client, "echo", R"({"text":5})"), success({{"message", "Echoing: 5"}}));
  EXPECT_EQ(server.ask(client, "echo"), success({{"message", "Echoing: undefined"}}));
}

TEST(ProtooMethods, ids_are_echoed_as_they_came_and_all_of_many_are_answered) {
  Server server;
  const auto client = server.open("r", "a");
  for (const std::string id : {"0", "-5", "1.5", "9007199254740993", "1e3"}) {
    server.request(client, "echo", "{}", id);
    EXPECT_EQ(server.next_raw(client),
              R"({"response":true,"id":)" + id + R"(,"ok":true,"data":{"message":"Echoing: undefined"}})");
  }
  for (int i = 0; i < 200; ++i) server.request(client, "echo", "{}", "7");  // the same id in flight: each is answered
  for (int i = 0; i < 200; ++i) EXPECT_EQ(server.next(client)["id"], 7);
  EXPECT_TRUE(server.quiet(client));
}

TEST(ProtooMethods, unknown_ones_are_errors) {
  Server server;
  const auto client = server.open("r", "a");
  EXPECT_EQ(server.ask(client, "x"), error(500, "Unknown method: x"));
  EXPECT_EQ(server.ask(client, ""), error(500, "Unknown method: "));
}

TEST(ProtooMethods, what_the_protocol_ignores_is_not_answered) {
  Server server;
  const auto client = server.join("a");
  for (const std::string text :
       {"{bad", "[]", "5", R"("x")", "null", "{}", R"({"request":true,"id":"1","method":"echo"})",
        R"({"request":true,"method":"echo"})", R"({"request":true,"id":1})", R"({"request":true,"id":1,"method":{}})",
        R"({"response":true,"id":99,"ok":true})", R"({"notification":true,"method":"whatever","data":{}})"})
    server.send(client, text);
  server.dialect.on_message({client}, as_bytes(R"({"request":true,"id":1,"method":"echo"})"), MessageKind::binary,
                            server.now);
  EXPECT_TRUE(server.quiet(client));
  EXPECT_FALSE(server.closed(client));
  server.send(client, R"({"request":1,"notification":true,"id":2,"method":"echo"})");
  EXPECT_EQ(server.next(client)["id"], 2);
}

TEST(ProtooJoin, is_answered_with_the_others_and_told_to_them) {
  Server server;
  const auto alice = server.open("r", "alice");
  EXPECT_EQ(server.ask(alice, "join", R"({"displayName":"A","device":{"name":"x","n":1.50},"sctp":1})"),
            success({{"peers", Json::array()}}));
  const auto bob = server.open("r", "bob");
  EXPECT_TRUE(server.quiet(alice));  // who has not joined is invisible
  EXPECT_EQ(server.ask(bob, "join"),
            success({{"peers", {{{"id", "alice"}, {"displayName", "A"}, {"device", {{"name", "x"}, {"n", 1.5}}}}}}}));
  EXPECT_EQ(server.next(alice), notification("newPeer", {{"id", "bob"}}));
  const auto carol = server.join("carol", "other");
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_TRUE(server.quiet(carol));
}

TEST(ProtooJoin, works_once_and_only_in_a_room) {
  Server server;
  const auto alice = server.join("alice");
  EXPECT_EQ(server.ask(alice, "join"), error(500, "Error: Peer already joined"));
  EXPECT_EQ(server.ask(server.open("", "bob"), "join"), error(500, "Error: Peer is in no room"));
}

TEST(ProtooJoin, is_subject_to_admission) {
  Server server;
  Gate gate;
  server.rooms.add_admission_step(gate);
  gate.decision = Refuse{"BANNED", "You are banned", "", ""};
  const auto client = server.open("r", "a");
  server.request(client, "join", R"({"displayName":"A"})");
  EXPECT_EQ(server.next(client), error(403, "BANNED: You are banned", 1));
  EXPECT_EQ(server.closed(client), closed_for_good);
  EXPECT_TRUE(server.rooms.peers().empty());
  EXPECT_EQ(server.dialect.connection_count(), 0U);
  EXPECT_EQ(gate.metadata.entries().front(), (Metadata::Entry{"peerId", R"("a")"}));
}

TEST(ProtooJoin, that_waits_for_an_answer_holds_what_follows) {
  Server server;
  Gate gate;
  gate.later = true;
  server.rooms.add_admission_step(gate);
  const auto client = server.open("r", "a");
  server.request(client, "join", "{}", "1");
  server.request(client, "changeDisplayName", R"({"displayName":"B"})", "2");
  EXPECT_TRUE(server.quiet(client));
  gate.waiting.at(0)(Admit{}, server.now);
  EXPECT_EQ(server.next(client), success({{"peers", Json::array()}}, 1));
  EXPECT_EQ(server.next(client), success(Json::object(), 2));
}

TEST(ProtooJoin, held_messages_are_bounded) {
  ProtooOptions options;
  options.held_messages_max = 3;
  Server server(options);
  Gate gate;
  gate.later = true;
  server.rooms.add_admission_step(gate);
  const auto client = server.open("r", "a");
  for (int i = 0; i < 4; ++i) server.request(client, "join");
  EXPECT_FALSE(server.closed(client));
  server.request(client, "join");
  EXPECT_EQ(server.closed(client)->first, 1008);
  gate.waiting.at(0)(Admit{}, server.now);
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST(ProtooJoin, of_a_full_room_may_be_tried_again) {
  RoomsOptions rooms;
  rooms.max_peers_per_room = 1;
  Server server({}, {}, rooms);
  const auto alice = server.join("alice");
  const auto bob = server.open("r", "bob");
  EXPECT_EQ(server.ask(bob, "join"), error(503, "ROOM_FULL"));
  EXPECT_FALSE(server.closed(bob));
  server.close(alice);
  EXPECT_TRUE(server.ask(bob, "join").value("ok", false));
}

TEST(ProtooJoin, hands_the_token_to_the_steps_that_want_one) {
  ProtooOptions options;
  options.token_metadata_keys = {"policyToken"};
  Server server(options);
  Gate gate;
  server.rooms.add_admission_step(gate);
  server.dialect.open({50}, {"r", "a", "tok\"en"}, "192.0.2.1", server.now);
  server.request(50, "join");
  EXPECT_EQ(gate.metadata.entries().back(), (Metadata::Entry{"policyToken", R"("tok\"en")"}));
}

TEST(ProtooJoin, hands_the_token_over_and_restricts_who_closes_rooms_once_something_asks_for_it) {
  Server server;
  Gate gate;
  server.rooms.add_admission_step(gate);
  server.dialect.open({50}, {"r", "a", "t"}, "192.0.2.1", server.now);
  server.dialect.set_token_metadata_keys({"policyToken"}, false);
  server.request(50, "join");
  ASSERT_NE(gate.metadata.find("policyToken"), nullptr);
  EXPECT_EQ(*gate.metadata.find("policyToken"), R"("t")");
  const auto bob = server.join("bob");
  EXPECT_EQ(server.ask(bob, "closeRoom"), error(403, "Not allowed to close the room"));
}

TEST(ProtooJoinRoom, tells_who_is_there_before_it_answers_and_does_not_join) {
  Server server;
  const auto alice = server.join("alice");
  (void)server.open("r", "silent");
  const auto bob = server.open("", "bob");
  server.request(bob, "joinRoom", R"({"roomId":"r"})", "3");
  EXPECT_EQ(server.next(bob), notification("roomJoined", {{"roomId", "r"}, {"peers", {"alice"}}}));
  EXPECT_EQ(server.next(bob), success({{"joined", true}}, 3));
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_TRUE(server.ask(bob, "join").value("ok", false));
  EXPECT_EQ(server.next(alice), notification("newPeer", {{"id", "bob"}}));
}

TEST(ProtooJoinRoom, leaves_another_room_as_if_the_peer_had_closed_there) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  server.forget();
  server.request(bob, "joinRoom", R"({"roomId":"s"})");
  EXPECT_EQ(server.next(alice), notification("peerClosed", {{"peerId", "bob"}}));
  server.forget();
  EXPECT_EQ(server.ask(bob, "relay", R"({"peerId":"alice"})"), error(500, "Error: Peer not yet joined"));
  EXPECT_TRUE(server.ask(bob, "join").value("ok", false));
  server.request(bob, "joinRoom", R"({"roomId":"r"})");
  server.forget();
  EXPECT_TRUE(server.ask(bob, "join").value("ok", false));
  EXPECT_EQ(server.next(alice), notification("newPeer", {{"id", "bob"}}));
  EXPECT_EQ(server.rooms.rooms().size(), 1U);
}

TEST(ProtooJoinRoom, of_the_present_room_changes_nothing) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  server.forget();
  server.request(bob, "joinRoom", R"({"roomId":"r"})", "3");
  EXPECT_EQ(server.next(bob), notification("roomJoined", {{"roomId", "r"}, {"peers", {"alice"}}}));
  EXPECT_EQ(server.next(bob), success({{"joined", true}}, 3));
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_EQ(server.ask(bob, "join"), error(500, "Error: Peer already joined"));
}

TEST(ProtooJoinRoom, needs_a_name) {
  Server server;
  const auto client = server.open("", "a");
  for (const std::string data : {"{}", R"({"roomId":""})", R"({"roomId":5})", R"({"roomId":null})", "[]", R"("r")"})
    EXPECT_EQ(server.ask(client, "joinRoom", data), error(400, "roomId required")) << data;
  EXPECT_EQ(server.ask(client, "joinRoom", R"({"roomId":")" + std::string(257, 'x') + R"("})")["errorCode"], 400);
}

TEST(ProtooDisplayName, is_changed_and_told_with_the_old_one) {
  Server server;
  const auto alice = server.join("alice", "r", R"({"displayName":"A"})");
  const auto bob = server.join("bob");
  server.forget();
  EXPECT_EQ(server.ask(alice, "changeDisplayName", R"({"displayName":"B"})"), success());
  EXPECT_EQ(server.next(bob),
            notification("peerDisplayNameChanged", {{"peerId", "alice"}, {"displayName", "B"}, {"oldDisplayName", "A"}}));
  EXPECT_EQ(server.ask(bob, "changeDisplayName", R"({"displayName":"C"})"), success());
  EXPECT_EQ(server.next(alice), notification("peerDisplayNameChanged", {{"peerId", "bob"}, {"displayName", "C"}}));
  EXPECT_EQ(server.ask(alice, "changeDisplayName"), success());
  EXPECT_EQ(server.next(bob), notification("peerDisplayNameChanged", {{"peerId", "alice"}, {"oldDisplayName", "B"}}));
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_EQ(server.ask(server.open("r", "carol"), "changeDisplayName"), error(500, "Error: Peer not yet joined"));
  const std::string huge(70'000, 'x');
  EXPECT_EQ(server.ask(alice, "changeDisplayName", R"({"displayName":")" + huge + R"("})")["errorCode"], 400);
}

TEST(ProtooRelay, reaches_one_peer_byte_for_byte) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  const auto carol = server.join("carol");
  server.forget();
  const std::string data = R"({ "sdp":"v=0\r\n", "n":1.500, "n":2 })";
  EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":"bob","data":)" + data + "}"), success());
  EXPECT_EQ(server.next_raw(bob),
            R"({"notification":true,"method":"relayed","data":{"peerId":"alice","data":)" + data + "}}");
  for (const std::string value : {"null", "0", "[]", R"("x")"}) {
    EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":"bob","data":)" + value + "}"), success());
    EXPECT_EQ(server.next(bob)["data"]["data"], Json::parse(value));
  }
  EXPECT_TRUE(server.quiet(carol));
}

TEST(ProtooRelay, to_those_who_are_not_there_is_an_error) {
  Server server;
  const auto alice = server.join("alice");
  const auto silent = server.open("r", "silent");
  const auto elsewhere = server.join("dave", "other");
  for (const std::string name : {"nobody", "silent", "dave"}) {
    EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":")" + name + R"(","data":1})"), error(404, "peer not found: " + name));
    EXPECT_EQ(server.ask(alice, "askPeer", R"({"peerId":")" + name + R"(","method":"m"})"),
              error(404, "peer not found: " + name));
  }
  EXPECT_EQ(server.ask(alice, "relay"), error(404, "peer not found: undefined"));
  EXPECT_EQ(server.ask(silent, "relay", R"({"peerId":"alice"})"), error(500, "Error: Peer not yet joined"));
  EXPECT_TRUE(server.quiet(silent));
  EXPECT_TRUE(server.quiet(elsewhere));
}

TEST(ProtooMessage, notification_goes_to_all_other_joined_peers) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  const auto silent = server.open("r", "silent");
  server.forget();
  server.send(alice, R"({"notification":true,"method":"message","data":[1, 2]})");
  EXPECT_EQ(server.next_raw(bob), R"({"notification":true,"method":"message","data":{"peerId":"alice","data":[1, 2]}})");
  server.send(silent, R"({"notification":true,"method":"message","data":1})");
  server.send(alice, R"({"notification":true,"method":"other","data":1})");
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_TRUE(server.quiet(silent));
}

struct Asking : ::testing::Test {
  Server server;
  std::uint64_t alice = server.join("alice");
  std::uint64_t bob = server.join("bob");
  void SetUp() override { server.forget(); }
  /// Alice asks; returns the id under which Bob is asked.
  std::string ask() {
    server.request(alice, "askPeer", R"({"peerId":"bob","method":"color","data":{ "x":1 }})", "5.5");
    const Json request = server.next(bob);
    EXPECT_EQ(request["request"], true);
    EXPECT_EQ(request["method"], "color");
    EXPECT_EQ(request["data"], (Json{{"x", 1}}));
    EXPECT_TRUE(request["id"].is_number_unsigned());
    return request["id"].dump();
  }
};

TEST_F(Asking, passes_the_answer_back) {
  server.send(bob, R"({"response":true,"ok":true,"data":{"c":"red"},"id":)" + ask() + "}");
  EXPECT_EQ(server.next_raw(alice), R"({"response":true,"id":5.5,"ok":true,"data":{"c":"red"}})");
  EXPECT_EQ(server.dialect.next_deadline(), never);
}

TEST_F(Asking, passes_code_and_reason_of_an_error_back_as_far_as_given) {
  server.send(bob, R"({"response":true,"ok":false,"errorCode":418,"errorReason":"teapot","id":)" + ask() + "}");
  EXPECT_EQ(server.next_raw(alice), R"({"response":true,"id":5.5,"ok":false,"errorCode":418,"errorReason":"teapot"})");
  server.send(bob, R"({"response":true,"id":)" + ask() + "}");
  EXPECT_EQ(server.next_raw(alice), R"({"response":true,"id":5.5,"ok":false})");
}

TEST_F(Asking, times_out_and_a_late_answer_is_ignored) {
  const std::string id = ask();
  EXPECT_EQ(server.dialect.next_deadline(), server.now + 30s);
  server.pass(29s);
  EXPECT_TRUE(server.quiet(alice));
  server.pass(1s);
  EXPECT_EQ(server.next_raw(alice),
            R"({"response":true,"id":5.5,"ok":false,"errorCode":504,"errorReason":"request timeout"})");
  server.send(bob, R"({"response":true,"ok":true,"id":)" + id + "}");
  EXPECT_TRUE(server.quiet(alice));
}

TEST_F(Asking, fails_when_the_asked_one_goes) {
  ask();
  server.close(bob);
  std::string last;
  for (std::string text = server.next_raw(alice); !text.empty(); text = server.next_raw(alice)) last = text;
  EXPECT_EQ(last, R"({"response":true,"id":5.5,"ok":false,"errorCode":500,"errorReason":"peer closed"})");
}

TEST_F(Asking, survives_that_the_asker_goes) {
  const std::string id = ask();
  server.close(alice);
  server.send(bob, R"({"response":true,"ok":true,"id":)" + id + "}");
  EXPECT_EQ(server.dialect.connection_count(), 1U);
}

TEST_F(Asking, needs_a_method_and_is_bounded) {
  EXPECT_EQ(server.ask(alice, "askPeer", R"({"peerId":"bob"})"), error(400, "method required"));
  for (int i = 0; i < 256; ++i) server.request(alice, "askPeer", R"({"peerId":"bob","method":"m"})");
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_EQ(server.ask(alice, "askPeer", R"({"peerId":"bob","method":"m"})")["errorCode"], 503);
}

TEST(ProtooCloseRoom, closes_all_a_little_later_for_good) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  const auto silent = server.open("r", "silent");
  const auto other = server.join("carol", "other");
  server.forget();
  EXPECT_EQ(server.ask(alice, "closeRoom"), success());
  EXPECT_EQ(server.dialect.next_deadline(), server.now + 50ms);
  server.pass(49ms);
  EXPECT_FALSE(server.closed(alice));
  server.pass(1ms);
  for (const auto client : {alice, bob, silent}) {
    EXPECT_EQ(server.closed(client), closed_for_good);
    EXPECT_TRUE(server.quiet(client));
  }
  EXPECT_FALSE(server.closed(other));
  EXPECT_EQ(server.rooms.rooms().size(), 1U);
  EXPECT_EQ(server.rooms.peers().size(), 1U);
  EXPECT_EQ(server.dialect.next_deadline(), never);
}

TEST(ProtooCloseRoom, needs_the_right_to_where_there_are_tokens) {
  ProtooOptions options;
  options.anybody_closes_rooms = false;
  Server server(options);
  Gate gate;
  server.rooms.add_admission_step(gate);
  gate.decision = Admit{Metadata{{"__caps", R"(["publish"])"}, {"__role", R"("viewer")"}}, std::nullopt};
  const auto viewer = server.join("viewer");
  gate.decision = Admit{Metadata{{"__caps", R"(["data","admin"])"}}, std::nullopt};
  const auto admin = server.join("admin");
  const auto silent = server.open("r", "silent");
  server.forget();
  EXPECT_EQ(server.ask(viewer, "closeRoom"), error(403, "Not allowed to close the room"));
  EXPECT_EQ(server.ask(silent, "closeRoom")["errorCode"], 403);
  EXPECT_EQ(server.ask(admin, "closeRoom"), success());
}

TEST(ProtooData, needs_its_permission) {
  struct : Permissions {
    bool allows(const PeerId&, MemberAction action) const override { return action != MemberAction::data; }
  } mute;
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  server.forget();
  server.rooms.add_permissions(mute);
  const Json refused = error(403, "POLICY_DENIED: data");
  EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":"bob","data":1})"), refused);
  EXPECT_EQ(server.ask(alice, "askPeer", R"({"peerId":"bob","method":"m"})"), refused);
  server.send(alice, R"({"notification":true,"method":"message","data":{}})");
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_FALSE(server.closed(alice));
}

TEST(ProtooJoin, that_is_refused_for_the_time_being_may_be_asked_for_again) {
  Server server;
  Gate gate;
  server.rooms.add_admission_step(gate);
  gate.decision = Refuse{.message = "Server overloaded", .close_reason = {}, .rejected_reason = {}, .temporary = true};
  const auto client = server.open("r", "a");
  EXPECT_EQ(server.ask(client, "join"), error(503, "JOIN_REJECTED: Server overloaded"));
  EXPECT_FALSE(server.closed(client));
  gate.decision = Admit{};
  EXPECT_EQ(server.ask(client, "join"), success({{"peers", Json::array()}}));
  EXPECT_EQ(server.rooms.peers().size(), 1U);
}

}  // namespace
}  // namespace sluice::testing_protoo
