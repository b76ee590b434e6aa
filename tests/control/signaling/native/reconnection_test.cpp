// Contract section 9.
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Held : ::testing::Test {
  Server server{held()};
  std::uint64_t alice = server.join("r", R"({"name":"A"})");
  std::uint64_t bob = server.join();
  std::map<std::string, int> facts;
  std::vector<Bus::Subscription> handles;
  void SetUp() override {
    handles.push_back(server.bus.subscribe<PeerLeft>([this](const PeerLeft&) { ++facts["left"]; }));
    handles.push_back(server.bus.subscribe<PeerJoined>([this](const PeerJoined&) { ++facts["joined"]; }));
    handles.push_back(server.bus.subscribe<PeerReconnected>([this](const PeerReconnected&) { ++facts["reconnected"]; }));
    server.forget();
  }
  /// The next message of that type, whatever was queued before it.
  Json await(std::uint64_t client, const std::string& type) {
    Json message = server.next(client);
    while (!message.is_null() && message["type"] != type) message = server.next(client);
    return message;
  }
  std::uint64_t come_back(const std::string& token, const std::string& rest = R"(,"roomId":"r")") {
    const auto client = server.open();
    server.send(client, R"({"type":"reconnect","token":")" + token + '"' + rest + "}");
    return client;
  }
};

TEST_F(Held, a_drop_is_told_to_nobody_and_shows_as_reconnecting) {
  server.close(alice);
  EXPECT_TRUE(server.quiet(bob));
  const auto carol = server.open();
  server.send(carol, R"({"type":"join","roomId":"r"})");
  const Json joined = server.next(carol);
  EXPECT_EQ(joined["peers"][0]["id"], server.id(alice));
  EXPECT_EQ(joined["peers"][0]["state"], "reconnecting");
  EXPECT_EQ(joined["peers"][1]["state"], "joined");
}

TEST_F(Held, resuming_gives_queue_then_state_and_keeps_everything) {
  server.close(alice);
  server.send(bob, R"({"type":"data","payload":1})");
  server.send(bob, R"({"type":"data","payload":2})");
  server.pass(14s);
  const auto again = come_back(server.tokens[alice]);
  EXPECT_EQ(server.next(again)["payload"], 1);
  EXPECT_EQ(server.next(again)["payload"], 2);
  const Json state = server.next(again);
  EXPECT_EQ(state["type"], "room:state");
  EXPECT_EQ(state["roomId"], "r");
  EXPECT_EQ(state["peerId"], server.id(alice));
  EXPECT_EQ(state["peers"].size(), 1U);
  EXPECT_EQ(state["peers"][0]["id"], server.id(bob));
  EXPECT_EQ(state["metadata"], Json::object());
  EXPECT_EQ(state["lastSeq"], 0);
  EXPECT_NE(state["reconnectToken"], server.tokens[alice]);
  EXPECT_TRUE(server.quiet(again));
  EXPECT_EQ(
      server.next(bob),
      (Json{{"type", "peer:reconnected"},
            {"peer", {{"id", server.id(alice)}, {"roomId", "r"}, {"state", "joined"}, {"metadata", {{"name", "A"}}}}}}));
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_EQ(facts, (std::map<std::string, int>{{"reconnected", 1}}));
  EXPECT_EQ(server.rooms.peers().size(), 2U);  // the throw-away identity is gone
  server.pass(1h);
  EXPECT_EQ(facts["left"], 0);
  server.send(again, R"({"type":"data","payload":3})");
  EXPECT_EQ(server.next(bob)["from"], server.id(alice));
}

TEST_F(Held, the_first_32_messages_are_kept) {
  server.close(alice);
  for (int i = 0; i < 40; ++i) server.send(bob, R"({"type":"data","payload":)" + std::to_string(i) + "}");
  const auto again = come_back(server.tokens[alice]);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(server.next(again)["payload"], i);
  EXPECT_EQ(server.next(again)["type"], "room:state");
}

TEST_F(Held, it_is_over_when_the_time_is_over) {
  server.close(alice);
  EXPECT_EQ(server.sessions.next_deadline(), server.now + 15s);
  server.pass(15s - 1ns);
  EXPECT_TRUE(server.quiet(bob));
  server.pass(1ns);
  EXPECT_EQ(server.next(bob), (Json{{"type", "peer:left"}, {"peerId", server.id(alice)}}));
  EXPECT_EQ(facts, (std::map<std::string, int>{{"left", 1}}));
  EXPECT_EQ(server.sessions.next_deadline(), never);
  const auto again = come_back(server.tokens[alice]);
  EXPECT_EQ(server.next(again)["code"], "RECONNECT_TOKEN_INVALID");
  const Json joined = server.next(again);
  EXPECT_EQ(joined["type"], "room:joined");
  EXPECT_EQ(joined["peerId"], server.id(again));
}

TEST_F(Held, each_token_works_once_and_its_successor_next) {
  std::string token = server.tokens[alice];
  std::vector<std::string> used;
  std::uint64_t current = alice;
  for (int i = 0; i < 3; ++i) {
    server.close(current);
    current = come_back(token);
    const Json state = server.next(current);
    ASSERT_EQ(state["type"], "room:state");
    used.push_back(token);
    token = state["reconnectToken"];
    server.forget();
  }
  server.close(current);
  for (const std::string& old : used) {
    const auto thief = come_back(old);
    EXPECT_EQ(server.next(thief)["code"], "RECONNECT_TOKEN_INVALID");
    EXPECT_EQ(server.next(thief)["type"], "room:joined");
  }
  EXPECT_EQ(await(come_back(token), "room:state")["peerId"], server.id(alice));
}

TEST_F(Held, a_live_old_socket_is_taken_over) {
  const auto again = come_back(server.tokens[alice]);
  EXPECT_EQ(server.closed(alice), (Closed{{1008, "Resumed on another connection"}}));
  EXPECT_EQ(server.next(again)["type"], "room:state");
  EXPECT_EQ(server.next(bob)["type"], "peer:reconnected");
  server.close(alice);  // reported late: the member stays
  server.send(alice, R"({"type":"leave"})");
  EXPECT_TRUE(server.quiet(bob));
  server.send(again, R"({"type":"data","payload":1})");
  EXPECT_EQ(server.next(bob)["from"], server.id(alice));
}

TEST_F(Held, without_a_token_it_is_a_plain_join) {
  for (const std::string token : {"", R"(,"token":"")", R"(,"token":null)", R"(,"token":0)"}) {
    const auto client = server.open();
    server.send(client, R"({"type":"reconnect","roomId":"r","metadata":{"n":1})" + token + "}");
    EXPECT_EQ(server.next(client)["type"], "room:joined") << token;
    EXPECT_EQ(server.rooms.find_peer(server.peer(client))->metadata(), (Metadata{{"n", "1"}}));
  }
}

TEST_F(Held, an_unknown_token_is_said_and_joins) {
  for (const std::string& token : std::vector<std::string>{"nonsense", "__proto__", std::string(10'000, 'x')}) {
    const auto client = come_back(token);
    EXPECT_EQ(server.next(client)["code"], "RECONNECT_TOKEN_INVALID");
    EXPECT_EQ(server.next(client)["type"], "room:joined");
  }
  const auto blank = come_back("nonsense", "");
  EXPECT_EQ(server.next(blank)["code"], "RECONNECT_TOKEN_INVALID");
  EXPECT_EQ(server.next(blank)["code"], "INVALID_ROOM_ID");
}

TEST_F(Held, a_token_is_for_its_room) {
  server.join("other");
  server.close(alice);
  const auto gone = come_back(server.tokens[alice], R"(,"roomId":"never")");
  EXPECT_EQ(server.next(gone)["code"], "ROOM_GONE");
  EXPECT_EQ(server.next(gone)["type"], "room:joined");
  const auto other = come_back(server.tokens[alice], R"(,"roomId":"other")");
  EXPECT_EQ(server.next(other)["code"], "RECONNECT_TOKEN_INVALID");
  EXPECT_EQ(server.next(other)["roomId"], "other");
  EXPECT_EQ(server.next(come_back(server.tokens[alice], ""))["type"], "room:state");
}

TEST_F(Held, a_session_token_works_until_the_fresh_one_was_used) {
  server.sessions.accept_also(server.peer(alice), "session-1");
  server.close(alice);
  auto again = come_back("session-1");
  EXPECT_EQ(server.next(again)["type"], "room:state");
  server.sessions.accept_also(server.peer(alice), "session-2");
  server.close(again);
  EXPECT_EQ(server.next(come_back("session-1"))["code"], "RECONNECT_TOKEN_INVALID");
  again = come_back("session-2");
  const std::string fresh = await(again, "room:state")["reconnectToken"];
  server.sessions.accept_also(server.peer(alice), "session-3");
  server.close(again);
  EXPECT_EQ(await(come_back(fresh), "room:state")["peerId"], server.id(alice));
  EXPECT_EQ(server.next(come_back("session-3"))["code"], "RECONNECT_TOKEN_INVALID");
}

TEST_F(Held, leaving_ends_the_token) {
  server.send(alice, R"({"type":"leave"})");
  server.close(alice);
  EXPECT_EQ(server.next(come_back(server.tokens[alice]))["code"], "RECONNECT_TOKEN_INVALID");
}

TEST(NativeReconnection, without_hold_time_there_is_no_token) {
  Server server;
  const auto client = server.join();
  EXPECT_EQ(server.tokens[client], "");
  EXPECT_FALSE(server.sessions.token(server.peer(client)));
}

TEST(NativeReconnection, publications_and_subscriptions_survive_it) {
  Server server(held(), true);
  const auto alice = server.join();
  const auto bob = server.join();
  const auto* made =
      *server.publications.publish(server.peer(alice), {PublicationKind::audio, "mic", {}, {}, {}}, server.now);
  ASSERT_TRUE(server.publications.subscribe(server.peer(bob), made->id, server.now));
  for (const auto client : {alice, bob}) {
    server.close(client);
    const auto again = server.open();
    server.send(again, R"({"type":"reconnect","roomId":"r","token":")" + server.tokens[client] + "\"}");
  }
  EXPECT_EQ(server.publications.publications().size(), 1U);
  EXPECT_EQ(server.publications.of_subscriber(server.peer(bob)).size(), 1U);
}

}  // namespace
}  // namespace sluice::testing_native
