// Contract protoo, sections 2, 6, 7 and 10: coming, going, duplicates; and what the core decides about peers.
#include "tests/control/signaling/protoo/protoo_harness.hpp"

namespace sluice::testing_protoo {
namespace {

ProtooOptions replacing() {
  ProtooOptions options;
  options.duplicate_peer = ProtooOptions::Duplicate::replace;
  return options;
}

TEST(ProtooPeers, that_go_are_told_once_if_they_had_joined) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  const auto silent = server.open("r", "silent");
  server.forget();
  server.close(silent);
  EXPECT_TRUE(server.quiet(alice));
  server.close(bob);
  server.close(bob);
  EXPECT_EQ(server.next(alice), notification("peerClosed", {{"peerId", "bob"}}));
  EXPECT_TRUE(server.quiet(alice));
  server.close(alice);
  EXPECT_TRUE(server.rooms.rooms().empty());
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST(ProtooPeers, a_name_is_free_again_before_others_hear_that_it_is) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  std::uint64_t back = 0;
  const auto listening = server.bus.subscribe<PeerLeft>([&](const PeerLeft&) { back = server.open("r", "bob"); });
  server.close(bob);
  EXPECT_EQ(server.sink.records[bob].pings, 0);
  EXPECT_TRUE(server.ask(back, "join").value("ok", false));
  (void)alice;
}

TEST(ProtooPeers, without_a_name_get_one_each) {
  Server server;
  const auto first = server.open("", "");
  const auto second = server.open("", "");
  for (const auto client : {first, second}) {
    server.request(client, "joinRoom", R"({"roomId":"r"})");
    server.forget();
    EXPECT_TRUE(server.ask(client, "join").value("ok", false));
  }
  EXPECT_EQ(server.next(first), notification("newPeer", {{"id", "peer-3600001"}}));
}

TEST(ProtooPeers, may_have_any_name) {
  Server server;
  const auto alice = server.join("alice");
  const std::string name = "J\xC3\xB6/ \"x\"\n";
  const auto odd = server.join(name);
  (void)odd;
  EXPECT_EQ(server.ask(alice, "relay", Json{{"peerId", name}, {"data", 1}}.dump()), success());
  EXPECT_EQ(server.next(odd)["data"]["peerId"], "alice");
}

TEST(ProtooPeers, that_were_kicked_do_not_come_back_and_those_who_were_shed_may) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  const auto carol = server.join("carol");
  server.forget();
  const auto core = [&](const std::string& name) {
    for (const auto& [id, peer] : server.rooms.peers()) {
      if (peer->metadata().entries().front().second == '"' + name + '"') return id;
    }
    return PeerId();
  };
  server.rooms.kick(core("bob"));
  EXPECT_EQ(server.closed(bob), closed_for_good);
  EXPECT_EQ(server.next(alice), notification("peerClosed", {{"peerId", "bob"}}));
  server.rooms.kick(core("carol"), "Idle", std::nullopt, LeaveCause::idle);
  EXPECT_EQ(server.closed(carol)->first, 1001);
  EXPECT_EQ(server.next(alice), notification("peerClosed", {{"peerId", "carol"}}));
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_EQ(server.dialect.connection_count(), 1U);
}

TEST(ProtooPeers, of_a_room_that_is_destroyed_are_closed_for_good) {
  Server server;
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  const auto silent = server.open("r", "silent");
  server.forget();
  ASSERT_TRUE(server.rooms.destroy(RoomId("protoo:r")));
  for (const auto client : {alice, bob, silent}) EXPECT_EQ(server.closed(client), closed_for_good);
  EXPECT_TRUE(server.rooms.peers().empty());
  EXPECT_TRUE(server.quiet(alice));
}

TEST(ProtooPeers, left_by_a_predecessor_are_not_kept) {
  Server server;
  ASSERT_TRUE(server.rooms.restore_room(RoomId("protoo:r"), {}, 50, 0, true));
  ASSERT_TRUE(
      server.rooms.restore_member({PeerId("old"), RoomId("protoo:r"), PeerState::reconnecting, {}}, "protoo", "", 1));
  ASSERT_TRUE(
      server.rooms.restore_member({PeerId("other"), RoomId("protoo:r"), PeerState::reconnecting, {}}, "native", "", 2));
  server.dialect.restored();
  EXPECT_EQ(server.rooms.find_peer(PeerId("old")), nullptr);
  EXPECT_NE(server.rooms.find_peer(PeerId("other")), nullptr);
}

TEST(ProtooGuard, refuses_connections) {
  Server server;
  Guard guard;
  guard.refusal = "Banned";
  server.dialect.set_guard(guard);
  const auto client = server.open("r", "a");
  EXPECT_EQ(server.closed(client), (Closed{{4000, "closed by protoo-server"}}));
  EXPECT_TRUE(server.rooms.peers().empty());
}

TEST(ProtooGuard, is_asked_for_each_message_and_what_it_stops_is_answered_if_it_says_so) {
  Server server;
  Guard guard;
  server.dialect.set_guard(guard);
  const auto alice = server.join("alice");
  const auto bob = server.join("bob");
  server.forget();
  guard.asked.clear();
  EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":"bob","data":1})"), success());
  server.send(alice, R"({"notification":true,"method":"message","data":[1]})");
  server.send(alice, "no message");
  ASSERT_EQ(guard.asked.size(), 2U);
  EXPECT_EQ(guard.asked[0].request, ClientRequest::data);
  EXPECT_FALSE(guard.asked[0].to_all);
  EXPECT_TRUE(guard.asked[1].to_all);
  EXPECT_EQ(guard.asked[1].bytes, 3U);
  server.forget();
  guard.verdict = GuardVerdict::drop;
  server.request(alice, "relay", R"({"peerId":"bob","data":1})");
  EXPECT_TRUE(server.quiet(alice));
  guard.verdict = GuardVerdict::drop_and_tell;
  EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":"bob","data":1})"),
            error(429, "RATE_LIMITED: Too many messages. Slow down."));
  server.send(alice, R"({"notification":true,"method":"message","data":[1]})");
  EXPECT_TRUE(server.quiet(alice));
  EXPECT_TRUE(server.quiet(bob));
}

TEST(ProtooDuplicates, are_rejected_when_the_incumbent_answers_a_ping) {
  Server server;
  const auto old = server.join("a");
  const auto late = server.open("r", "a");
  EXPECT_EQ(server.sink.records[old].pings, 1);
  EXPECT_FALSE(server.closed(late));
  server.request(late, "join");  // waits
  EXPECT_TRUE(server.quiet(late));
  server.dialect.on_pong({old}, server.now);
  EXPECT_EQ(server.closed(late), closed_for_good);
  EXPECT_FALSE(server.closed(old));
  EXPECT_TRUE(server.quiet(old));
  EXPECT_EQ(server.dialect.next_deadline(), never);
  EXPECT_TRUE(server.ask(old, "echo").value("ok", false));
}

TEST(ProtooDuplicates, replace_an_incumbent_that_does_not_answer) {
  Server server;
  const auto bystander = server.join("b");
  const auto old = server.join("a");
  server.forget();
  const auto late = server.open("r", "a");
  server.request(late, "join", "{}", "9");
  EXPECT_EQ(server.dialect.next_deadline(), server.now + 2s);
  server.pass(2s - 1ms);
  EXPECT_FALSE(server.closed(old));
  server.pass(1ms);
  EXPECT_EQ(server.closed(old), closed_for_good);
  EXPECT_EQ(server.next(late), success({{"peers", {{{"id", "b"}}}}}, 9));
  EXPECT_EQ(server.next(bystander), notification("peerClosed", {{"peerId", "a"}}));
  EXPECT_EQ(server.next(bystander), notification("newPeer", {{"id", "a"}}));
  EXPECT_TRUE(server.quiet(bystander));
}

TEST(ProtooDuplicates, have_the_place_as_soon_as_the_incumbent_goes_by_itself) {
  Server server;
  const auto old = server.join("a");
  const auto first = server.open("r", "a");
  const auto youngest = server.open("r", "a");
  const auto gone = server.open("r", "a");
  server.close(gone);
  server.close(old);
  EXPECT_EQ(server.closed(first), closed_for_good);
  EXPECT_FALSE(server.closed(youngest));
  EXPECT_TRUE(server.ask(youngest, "join").value("ok", false));
}

TEST(ProtooDuplicates, that_give_up_waiting_are_forgotten) {
  Server server;
  const auto old = server.join("a");
  const auto late = server.open("r", "a");
  server.close(late);
  EXPECT_EQ(server.dialect.next_deadline(), never);
  server.pass(10s);
  EXPECT_FALSE(server.closed(old));
}

TEST(ProtooDuplicates, replace_at_once_where_that_is_configured) {
  Server server(replacing());
  const auto bystander = server.join("b");
  const auto old = server.join("a");
  server.forget();
  const auto late = server.open("r", "a");
  EXPECT_EQ(server.closed(old), closed_for_good);
  EXPECT_EQ(server.next(bystander), notification("peerClosed", {{"peerId", "a"}}));
  EXPECT_TRUE(server.ask(late, "join").value("ok", false));
  EXPECT_EQ(server.next(bystander), notification("newPeer", {{"id", "a"}}));
}

TEST(ProtooDuplicates, do_not_exist_across_rooms) {
  Server server;
  (void)server.join("a", "r");
  const auto other = server.open("s", "a");
  EXPECT_TRUE(server.ask(other, "join").value("ok", false));
}

TEST(ProtooDuplicates, by_joinRoom_are_an_error_and_the_peer_stays_where_it_is) {
  Server server;
  const auto old = server.join("a", "r");
  const auto mover = server.join("a", "s");
  const auto friend_of_mover = server.join("b", "s");
  server.forget();
  server.request(mover, "joinRoom", R"({"roomId":"r"})", "4");
  server.request(mover, "relay", R"({"peerId":"b","data":1})", "5");
  EXPECT_TRUE(server.quiet(mover));
  server.dialect.on_pong({old}, server.now);
  EXPECT_EQ(server.next(mover)["errorCode"], 409);
  EXPECT_EQ(server.next(mover), success(Json::object(), 5));
  EXPECT_EQ(server.next(friend_of_mover)["method"], "relayed");
  server.request(mover, "joinRoom", R"({"roomId":"r"})", "6");
  server.pass(2s);
  EXPECT_EQ(server.next(mover)["method"], "roomJoined");
  EXPECT_EQ(server.next(mover), success({{"joined", true}}, 6));
  EXPECT_EQ(server.closed(old), closed_for_good);
}

/// A member of another dialect, bridged.
struct Bridged : ::testing::Test {
  Server server{{}, {{"protoo", "native"}}};
  std::uint64_t alice = server.join("alice");
  PeerId native = server.rooms.connect("native", "192.0.2.9");
  std::vector<DataRelayed> relayed;
  Bus::Subscription listening;
  void SetUp() override {
    listening = server.bus.subscribe<DataRelayed>([this](const DataRelayed& fact) { relayed.push_back(fact); });
    server.rooms.join(native, RoomId("r"), Metadata{{"displayName", R"("N")"}}, server.now, {});
  }
};

TEST_F(Bridged, members_are_peers_like_others) {
  EXPECT_EQ(server.next(alice), notification("newPeer", {{"id", native.value}, {"displayName", "N"}}));
  EXPECT_EQ(server.ask(alice, "relay", R"({"peerId":")" + native.value + R"(","data":[1]})"), success());
  ASSERT_EQ(relayed.size(), 1U);
  EXPECT_EQ(relayed[0].target, native);
  EXPECT_EQ(relayed[0].payload, "[1]");
  const PeerId alices = server.rooms.find_room(RoomId("r"))->members().front();
  server.rooms.relay_data(native, alices, "2");
  EXPECT_EQ(server.next(alice), notification("relayed", {{"peerId", native.value}, {"data", 2}}));
  server.rooms.relay_data(native, std::nullopt, "3");
  EXPECT_EQ(server.next(alice), notification("message", {{"peerId", native.value}, {"data", 3}}));
  server.rooms.leave(native, LeaveCause::left);
  EXPECT_EQ(server.next(alice), notification("peerClosed", {{"peerId", native.value}}));
  EXPECT_EQ(server.ask(alice, "askPeer", R"({"peerId":")" + native.value + R"(","method":"m"})")["errorCode"], 404);
}

TEST_F(Bridged, messages_of_the_server_become_notifications) {
  server.forget();
  const PeerId alices = server.rooms.find_room(RoomId("r"))->members().front();
  ASSERT_TRUE(server.rooms.post(RoomId("r"), R"({"type":"mod:notice","text":"x"})"));
  EXPECT_EQ(server.next(alice), notification("mod:notice", {{"type", "mod:notice"}, {"text", "x"}}));
  ASSERT_TRUE(server.rooms.post(RoomId("r"), R"({"type":"x"})", {alices}));
  EXPECT_TRUE(server.quiet(alice));
  ASSERT_TRUE(server.rooms.post(alices, R"({"type":"y"})"));
  EXPECT_EQ(server.next(alice)["method"], "y");
}

}  // namespace
}  // namespace sluice::testing_protoo
