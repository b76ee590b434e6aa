// Contract section 8, and the lifecycles of section 1.
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

struct Pair : ::testing::Test {
  Server server{held()};
  std::uint64_t alice = server.join();
  std::uint64_t bob = server.join();
  std::vector<std::string> left;
  Bus::Subscription handle =
      server.bus.subscribe<PeerLeft>([this](const PeerLeft& fact) { left.push_back(fact.peer.id.value); });
  void SetUp() override { server.forget(); }
  void expect_left(std::uint64_t who, std::uint64_t witness) {
    EXPECT_EQ(server.next(witness), (Json{{"type", "peer:left"}, {"peerId", server.id(who)}}));
    EXPECT_TRUE(server.quiet(witness));
    EXPECT_EQ(left, (std::vector<std::string>{server.id(who)}));
  }
};

TEST_F(Pair, leaving_keeps_the_socket_and_allows_another_join) {
  server.send(alice, R"({"type":"metadata","patch":{"old":1}})");
  server.forget();
  server.send(alice, R"({"type":"leave"})");
  expect_left(alice, bob);
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_FALSE(server.closed(alice));
  EXPECT_EQ(server.rooms.find_peer(server.peer(alice))->state(), PeerState::connecting);
  for (const std::string text :
       {R"({"type":"leave"})", R"({"type":"data"})", R"({"type":"reconnect","token":"x"})", "null", "{}"}) {
    server.send(alice, text);
  }
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_FALSE(server.closed(alice));
  server.send(alice, R"({"type":"join","roomId":"r2","metadata":{"new":1}})");
  const Json joined = server.next(alice);
  EXPECT_EQ(joined["roomId"], "r2");
  EXPECT_EQ(joined["peerId"], server.id(alice));
  EXPECT_NE(joined["reconnectToken"], server.tokens[alice]);
  EXPECT_EQ(server.rooms.find_peer(server.peer(alice))->metadata(), (Metadata{{"new", "1"}}));
}

TEST_F(Pair, closing_after_leave_is_no_second_departure) {
  server.send(alice, R"({"type":"leave"})");
  server.close(alice);
  expect_left(alice, bob);
  EXPECT_EQ(server.rooms.peers().size(), 1U);
}

TEST_F(Pair, a_kick_says_why_and_closes) {
  ASSERT_TRUE(server.rooms.kick(server.peer(alice), "Enough", "mod-1"));
  EXPECT_EQ(server.next_raw(alice), R"({"type":"kicked","reason":"Enough","by":"mod-1"})");
  EXPECT_EQ(server.closed(alice), (Closed{{1008, "Enough"}}));
  server.close(alice);  // the transport may report it: nothing more
  expect_left(alice, bob);
  EXPECT_EQ(server.rooms.find_peer(server.peer(alice)), nullptr);
}

TEST_F(Pair, a_kicked_peers_token_dies_at_once) {
  server.rooms.kick(server.peer(alice));
  EXPECT_EQ(server.next_raw(alice), R"({"type":"kicked","reason":"Kicked by server"})");
  const auto again = server.open();
  server.send(again, R"({"type":"reconnect","roomId":"r","token":")" + server.tokens[alice] + "\"}");
  EXPECT_EQ(server.next(again)["code"], "RECONNECT_TOKEN_INVALID");
  EXPECT_EQ(server.next(again)["type"], "room:joined");
}

TEST_F(Pair, a_held_peer_may_be_kicked) {
  server.close(alice);
  ASSERT_TRUE(server.rooms.kick(server.peer(alice)));
  expect_left(alice, bob);
  server.pass(1min);
  EXPECT_EQ(left.size(), 1U);
}

TEST_F(Pair, kicking_nobody_does_nothing) {
  EXPECT_FALSE(server.rooms.kick(PeerId("nobody")));
  EXPECT_TRUE(server.quiet(alice) && server.quiet(bob));
}

TEST_F(Pair, shedding_and_idling_go_away_with_1001) {
  server.rooms.kick(server.peer(alice), "", std::nullopt, LeaveCause::shed);
  EXPECT_EQ(server.next_raw(alice), R"({"type":"kicked","reason":"Server load shedding. Please reconnect."})");
  EXPECT_EQ(server.closed(alice), (Closed{{1001, "Load shedding"}}));
  expect_left(alice, bob);
  server.rooms.kick(server.peer(bob), "", std::nullopt, LeaveCause::idle);
  EXPECT_TRUE(server.quiet(bob));
  EXPECT_EQ(server.closed(bob), (Closed{{1001, "Idle timeout"}}));
}

TEST_F(Pair, destroying_a_room_puts_everybody_out) {
  int destroyed = 0;
  auto count = server.bus.subscribe<RoomDestroyed>([&](const RoomDestroyed&) { ++destroyed; });
  ASSERT_TRUE(server.rooms.destroy(RoomId("r")));
  for (const auto client : {alice, bob}) EXPECT_EQ(server.closed(client), (Closed{{1008, "Room destroyed by admin"}}));
  EXPECT_EQ(server.next_raw(alice), R"({"type":"kicked","reason":"Room destroyed by admin"})");
  EXPECT_EQ(server.next(bob)["type"], "peer:left");
  EXPECT_EQ(server.next_raw(bob), R"({"type":"kicked","reason":"Room destroyed by admin"})");
  EXPECT_EQ(destroyed, 1);
  EXPECT_TRUE(server.rooms.peers().empty());
  EXPECT_FALSE(server.rooms.destroy(RoomId("r")));
}

TEST_F(Pair, shutting_down_says_so_to_every_connection) {
  const auto fresh = server.open();
  server.dialect.shut_down();
  for (const auto client : {alice, bob, fresh}) EXPECT_EQ(server.closed(client), (Closed{{1001, "Server shutting down"}}));
}

TEST(NativeLeaving, without_hold_time_a_lost_socket_is_a_departure) {
  Server server;
  const auto alice = server.join();
  const auto bob = server.join();
  server.close(alice);
  EXPECT_EQ(server.next(bob)["type"], "peer:left");
  EXPECT_EQ(server.rooms.peers().size(), 1U);
  server.close(bob);
  EXPECT_TRUE(server.rooms.rooms().empty());
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST(NativeLeaving, long_close_reasons_are_cut_at_a_character) {
  EXPECT_EQ(close_frame_reason("short"), "short");
  const std::string wide = std::string(122, 'x') + "é";
  EXPECT_EQ(close_frame_reason(wide), std::string(122, 'x'));
  const std::string widest = std::string(120, 'x') + "😀y";
  EXPECT_EQ(close_frame_reason(widest), std::string(120, 'x'));
  EXPECT_EQ(close_frame_reason(std::string(123, 'x')).size(), 123U);
}

}  // namespace
}  // namespace sluice::testing_native
