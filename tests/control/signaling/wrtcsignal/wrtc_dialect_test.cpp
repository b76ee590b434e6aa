#include "control/signaling/wrtcsignal/wrtc_dialect.hpp"

#include <gtest/gtest.h>

#include "tests/control/signaling/socketio/socket_harness.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using socketio::member_of;
using socketio::SocketWorld;
using socketio::Texts;

class WrtcTest : public ::testing::Test {
 protected:
  struct Client : SocketWorld::Client {
    std::string auth;
  };
  explicit WrtcTest(WrtcOptions options = {})
      : dialect(
            world.server, world.endpoint, world.rooms, world.bus, world.entropy, tokens,
            [](std::string_view name) { return RoomId("wrtcSignal:" + std::string(name)); },
            [](TimePoint at) { return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count(); },
            options) {
    world.endpoint.application = &dialect;
  }
  Client connect() { return {world.connect(R"({"token":")" + tokens.app_token("demo") + R"("})"), ""}; }
  /// Connected and with a session token.
  Client enter(const std::string& peerinfo = "") {
    Client client = connect();
    emit(client, R"(["auth-request",{"token":")" + tokens.app_token("demo") + "\"" +
                     (peerinfo.empty() ? "" : ",\"peerinfo\":" + peerinfo) + "}]");
    client.auth = member_of(got(client).at(0), "token");
    return client;
  }
  void emit(const Client& client, const std::string& event) { world.emit(client, event); }
  /// An event with the session token and these further members.
  void say(const Client& client, const std::string& event, const std::string& members) {
    emit(client, "[\"" + event + R"(",{"auth":")" + client.auth + "\"" + (members.empty() ? "" : "," + members) + "}]");
  }
  Texts got(const Client& client) { return world.got(client); }
  void create(const Client& client, const std::string& room) {
    say(client, "room-create-request", "\"room\":\"" + room + "\"");
    ASSERT_EQ(got(client), Texts{R"(["room-create-accept",{"room":")" + room + R"("}])"});
  }
  void accept(const Client& owner, const Client& candidate, const std::string& room) {
    say(owner, "room-join-accept", "\"room\":\"" + room + R"(","peer_id":")" + candidate.id + "\"");
  }
  static Texts unauthorized() { return Texts{R"(["unauthorized",{"message":"Token is not valid"}])"}; }

  SocketWorld world;
  WrtcTokens tokens{"s3cr3t-key"};
  WrtcDialect dialect;
};

// --- section 4
// -------------------------------------------------------------------------------------------------------------

TEST_F(WrtcTest, ConnectWantsAValidToken) {
  EXPECT_FALSE(connect().id.empty());
  EXPECT_EQ(connect().pid, "");  // no recovery
  for (const char* auth : {"", "{}", R"({"token":"a.b.c"})", R"({"token":".."})", R"({"token":5})", R"({"token":{}})",
                           R"({"token":null})", R"({"token":""})"})
    EXPECT_EQ(world.connect(auth).reply, R"(44{"message":"Token is not valid"})") << auth;
}

class SilentWrtcTest : public WrtcTest {
 protected:
  SilentWrtcTest() : WrtcTest({.legacy_silent_reject = true}) {}
};
TEST_F(SilentWrtcTest, ARefusalMayBeSilent) {
  const auto client = world.connect(R"({"token":"a.b.c"})");
  EXPECT_EQ(client.reply, "");
  world.wire.advance(45s);
  EXPECT_TRUE(world.wire.is_gone(client.socket));
}

// --- section 5: auth-request
// -----------------------------------------------------------------------------------------------

TEST_F(WrtcTest, AnAppTokenGivesASessionToken) {
  const Client a = connect();
  emit(a, R"(["auth-request",{"token":")" + tokens.app_token("demo") + R"(","payload":{"p":[1]}}])");
  const Texts answer = got(a);
  ASSERT_EQ(answer.size(), 1U);
  const std::string token = member_of(answer[0], "token");
  EXPECT_EQ(answer[0], R"(["auth-accept",{"payload":{"p":[1]},"token":")" + token + R"("}])");
  const auto claims = tokens.verified(token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->socket, a.id);
  EXPECT_EQ(claims->expires, 3600 + 86400);
  emit(a, R"(["auth-request",{"token":")" + token + R"("}])");  // a session token passes too
  EXPECT_TRUE(got(a)[0].starts_with(R"(["auth-accept",{"token":")"));
}

TEST_F(WrtcTest, ABadTokenIsRejected) {
  const Client a = connect();
  emit(a, R"(["auth-request",{"token":"a.b.c","payload":"p"}])");
  EXPECT_EQ(got(a), Texts{R"(["auth-reject",{"message":"Token is not valid","payload":"p"}])"});
  for (const char* argument :
       {"", ",null", ",\"text\"", ",5", ",[]", ",{}", R"(,{"token":null})", R"(,{"token":{}})", R"(,{"token":7})"}) {
    emit(a, std::string(R"(["auth-request")") + argument + "]");
    EXPECT_EQ(got(a), Texts{R"(["auth-reject",{"message":"Token is not valid"}])"}) << argument;
  }
  EXPECT_FALSE(world.wire.is_gone(a.socket));
}

TEST_F(WrtcTest, EverythingElseWantsTheSocketsOwnSessionToken) {
  const Client a = enter();
  const Client b = enter();
  const std::string expired = tokens.session_token("demo", 3600, a.id);
  for (const std::string event : {"room-create-request", "room-join-request", "room-join-accept", "room-join-reject",
                                  "relay-session-description", "relay-ice-candidate"}) {
    for (const std::string& argument :
         {std::string(""), std::string(",null"), std::string(",\"x\""), std::string(",{}"), std::string(R"(,{"auth":5})"),
          std::string(R"(,{"auth":"a.b.c"})"), R"(,{"auth":")" + tokens.app_token("demo") + "\"}",
          R"(,{"auth":")" + b.auth + "\",\"payload\":1}", R"(,{"auth":")" + expired + "\"}"}) {
      emit(a, "[\"" + event + "\"" + argument + "]");
      EXPECT_EQ(got(a), unauthorized()) << event << argument;
    }
  }
  EXPECT_EQ(world.rooms.rooms().size(), 0U);
  EXPECT_FALSE(world.wire.is_gone(a.socket));
}

TEST_F(WrtcTest, ATokenDoesNotSurviveAReconnect) {
  const Client before = enter();
  world.wire.drop(before.socket);
  Client after = connect();
  after.auth = before.auth;
  say(after, "room-create-request", "");
  EXPECT_EQ(got(after), unauthorized());
}

// --- rooms
// -----------------------------------------------------------------------------------------------------------------

TEST_F(WrtcTest, RoomsAreCreatedOnce) {
  const Client a = enter();
  const Client b = enter();
  say(a, "room-create-request", R"("room":"r","payload":{"x":1})");
  EXPECT_EQ(got(a), Texts{R"(["room-create-accept",{"room":"r","payload":{"x":1}}])"});
  const std::string taken = "Room already taken someone else. Please type another room name or stay it blank.";
  say(b, "room-create-request", R"("room":"r","payload":2)");
  EXPECT_EQ(got(b), Texts{R"(["room-create-reject",{"payload":2,"message":")" + taken + R"("}])"});
  say(a, "room-create-request", R"("room":"r")");
  EXPECT_EQ(got(a), Texts{R"(["room-create-reject",{"message":")" + taken + R"("}])"});
  say(b, "room-create-request", "\"room\":\"" + std::string(257, 'r') + "\"");
  EXPECT_TRUE(got(b)[0].starts_with(R"(["room-create-reject")"));
}

TEST_F(WrtcTest, ARoomWithoutANameGetsAUuid) {
  const Client a = enter();
  for (const char* members : {"", R"("room":"")", R"("room":null)", R"("room":5)", R"("room":{})"}) {
    say(a, "room-create-request", members);
    const std::string room = member_of(got(a)[0], "room");
    EXPECT_EQ(room.size(), 36U) << members;
    EXPECT_EQ(room[14], '4');
  }
}

TEST_F(WrtcTest, TheOwnerLetsACandidateIn) {
  const Client owner = enter(R"({"name":"Olga"})");
  const Client candidate = enter();
  create(owner, "r");
  say(candidate, "room-join-request", R"("room":"r","payload":{"please":true})");
  EXPECT_TRUE(got(candidate).empty());
  EXPECT_EQ(got(owner),
            Texts{R"(["room-join-request",{"room":"r","peer_id":")" + candidate.id + R"(","payload":{"please":true}}])"});
  say(owner, "room-join-accept", R"("room":"r","peer_id":")" + candidate.id + R"(","to":"noise","payload":"welcome")");
  EXPECT_EQ(got(candidate), Texts{R"(["room-join-accept",{"room":"r","peer_id":")" + candidate.id + R"(","peers":[")" +
                                  owner.id + R"("],"peersinfo":{")" + owner.id + R"(":{"peerinfo":{"name":"Olga"}},")" +
                                  candidate.id + R"(":{}},"payload":"welcome"}])"});
  EXPECT_EQ(got(owner), Texts{R"(["room-user-join",{"room":"r","peer_id":")" + candidate.id + R"(","payload":"welcome"}])"});

  const Client third = enter(R"("T")");
  say(third, "room-join-request", R"("room":"r")");
  EXPECT_EQ(got(owner), Texts{R"(["room-join-request",{"room":"r","peer_id":")" + third.id + R"(","peerinfo":"T"}])"});
  EXPECT_TRUE(got(candidate).empty());  // no owner
  accept(owner, third, "r");
  EXPECT_NE(got(third)[0].find(R"("peers":[")" + owner.id + R"(",")" + candidate.id + R"("])"), std::string::npos);
  EXPECT_EQ(got(candidate), Texts{R"(["room-user-join",{"room":"r","peer_id":")" + third.id + R"(","peerinfo":"T"}])"});
  got(owner);
  accept(owner, third, "r");  // again: both events again
  EXPECT_EQ(got(third).size(), 1U);
  EXPECT_EQ(got(candidate).size(), 1U);
  EXPECT_EQ(world.rooms.find_room(RoomId("wrtcSignal:r"))->members().size(), 3U);
}

TEST_F(WrtcTest, TheOwnerTurnsACandidateDown) {
  const Client owner = enter();
  const Client candidate = enter();
  create(owner, "r");
  const std::string rejected = R"(["room-join-reject",{"room":"r","peer_id":")" + candidate.id +
                               R"(","message":"Room owner was rejected your request","payload":1}])";
  say(owner, "room-join-reject", R"("room":"r","peer_id":")" + candidate.id + R"(","payload":1)");
  EXPECT_EQ(got(candidate), Texts{rejected});
  accept(owner, candidate, "r");
  got(candidate);
  say(owner, "room-join-reject", R"("room":"r","peer_id":")" + candidate.id + R"(","payload":1)");
  EXPECT_EQ(got(candidate), Texts{rejected});
  EXPECT_EQ(world.rooms.find_room(RoomId("wrtcSignal:r"))->members().size(), 2U);  // stays a member
}

TEST_F(WrtcTest, OnlyOwnersDecideAndOnlyAboutThePresent) {
  const Client owner = enter();
  const Client other = enter();
  const Client candidate = enter();
  create(owner, "r");
  create(other, "s");
  for (const char* event : {"room-join-accept", "room-join-reject"}) {
    say(other, event, R"("room":"r","peer_id":")" + candidate.id + "\"");
    say(candidate, event, R"("room":"r","peer_id":")" + candidate.id + "\"");
    say(owner, event, R"("room":"r","peer_id":"nobody")");
    say(owner, event, R"("room":"r")");
    say(owner, event, R"("peer_id":")" + candidate.id + "\"");
  }
  world.wire.drop(candidate.socket);
  accept(owner, candidate, "r");
  for (const Client* client : {&owner, &other, &candidate}) EXPECT_TRUE(got(*client).empty());
}

TEST_F(WrtcTest, UnknownRoomsAreNotFound) {
  const Client a = enter();
  for (const std::string& room : {std::string("nowhere"), std::string(257, 'r')}) {
    say(a, "room-join-request", R"("payload":7,"room":")" + room + "\"");
    EXPECT_EQ(got(a), Texts{R"(["room-join-reject",{"message":"Room is not found.","payload":7}])"});
  }
  for (const char* members : {"", R"("room":"")", R"("room":5)", R"("room":null)"}) {
    say(a, "room-join-request", members);
    EXPECT_TRUE(got(a).empty()) << members;
  }
}

TEST_F(WrtcTest, ARoomNamedLikeASocketOrLikeOwnersIsOrdinary) {
  const Client a = enter();
  const Client b = enter();
  const Client c = enter();
  create(a, "r");
  create(b, "r-owners");
  create(c, a.id);
  say(b, "relay-ice-candidate", R"("to":")" + a.id + R"(","ice_candidate":1)");
  EXPECT_EQ(got(a).size(), 1U);
  EXPECT_TRUE(got(c).empty());
  const Client d = enter();
  say(d, "room-join-request", R"("room":"r")");
  EXPECT_EQ(got(a).size(), 1U);
  EXPECT_TRUE(got(b).empty());  // owns r-owners, not r
}

// --- relays
// ----------------------------------------------------------------------------------------------------------------

TEST_F(WrtcTest, DescriptionsAndCandidatesAreRelayed) {
  const Client a = enter(R"({"name":"A"})");
  const Client b = enter();
  say(a, "relay-session-description",
      R"("to":")" + b.id +
          R"(","room":"r","session_description":{"type":"offer","sdp":"v=0\r\n"},"payload":null,"peer_id":"noise")");
  EXPECT_EQ(got(b), Texts{R"(["session-description",{"peer_id":")" + a.id +
                          R"(","session_description":{"type":"offer","sdp":"v=0\r\n"},"room":"r","payload":null}])"});
  say(a, "relay-ice-candidate", R"("to":")" + b.id + R"(","ice_candidate":{"candidate":"c"})");
  EXPECT_EQ(got(b), Texts{R"(["ice-candidate",{"peer_id":")" + a.id + R"(","ice_candidate":{"candidate":"c"}}])"});
  for (const char* to : {"", R"("to":null,)", R"("to":5,)", R"("to":"nobody",)", R"("to":"r",)"}) {
    say(a, "relay-ice-candidate", std::string(to) + R"("ice_candidate":1)");
    say(a, "relay-session-description", std::string(to) + R"("session_description":1)");
  }
  EXPECT_TRUE(got(a).empty());
  EXPECT_TRUE(got(b).empty());
}

TEST_F(WrtcTest, BinaryInAPayloadStaysBinary) {
  const Client a = enter();
  const Client b = enter();
  world.wire.say(a.socket,
                 R"(452-["relay-ice-candidate",{"auth":")" + a.auth + R"(","to":")" + b.id +
                     R"(","ice_candidate":{"_placeholder":true,"num":0},"payload":[{"_placeholder":true,"num":1}]}])");
  world.wire.say_binary(a.socket, "\x01");
  world.wire.say_binary(a.socket, "\x02");
  EXPECT_EQ(world.wire.got(b.socket),
            (Texts{R"(452-["ice-candidate",{"peer_id":")" + a.id +
                       R"(","ice_candidate":{"_placeholder":true,"num":0},"payload":[{"_placeholder":true,"num":1}]}])",
                   "<\x01>", "<\x02>"}));
}

// --- section 7
// -------------------------------------------------------------------------------------------------------------

TEST_F(WrtcTest, MembersHearOfALeaveAndOwnershipStaysWithNobody) {
  const Client owner = enter(R"("O")");
  const Client member = enter();
  create(owner, "r");
  accept(owner, member, "r");
  got(member);
  world.wire.drop(owner.socket);
  EXPECT_EQ(got(member), Texts{R"(["room-user-leave",{"room":"r","peer_id":")" + owner.id + R"(","peerinfo":"O"}])"});
  const Client late = enter();
  say(late, "room-join-request", R"("room":"r")");
  EXPECT_TRUE(got(late).empty());
  EXPECT_TRUE(got(member).empty());
  say(late, "room-create-request", R"("room":"r")");
  EXPECT_TRUE(got(late)[0].starts_with(R"(["room-create-reject")"));
  world.wire.say(member.socket, "41");
  create(late, "r");  // the name is free again
  EXPECT_EQ(world.rooms.peers().size(), 1U);
}

class PromotingWrtcTest : public WrtcTest {
 protected:
  PromotingWrtcTest() : WrtcTest({.ownerless = WrtcOptions::Ownerless::promote_oldest}) {}
};
TEST_F(PromotingWrtcTest, TheOldestMemberMayBecomeOwner) {
  const Client owner = enter();
  const Client member = enter();
  create(owner, "r");
  accept(owner, member, "r");
  world.wire.drop(owner.socket);
  got(member);
  const Client late = enter();
  say(late, "room-join-request", R"("room":"r")");
  EXPECT_EQ(got(member), Texts{R"(["room-join-request",{"room":"r","peer_id":")" + late.id + R"("}])"});
  accept(member, late, "r");
  EXPECT_EQ(got(late).size(), 1U);
}

class RejectingWrtcTest : public WrtcTest {
 protected:
  RejectingWrtcTest() : WrtcTest({.ownerless = WrtcOptions::Ownerless::reject}) {}
};
TEST_F(RejectingWrtcTest, ARoomWithoutOwnerMayBeNotFound) {
  const Client owner = enter();
  const Client member = enter();
  create(owner, "r");
  accept(owner, member, "r");
  world.wire.drop(owner.socket);
  const Client late = enter();
  say(late, "room-join-request", R"("room":"r")");
  EXPECT_EQ(got(late), Texts{R"(["room-join-reject",{"message":"Room is not found."}])"});
}

TEST_F(WrtcTest, OperatorsSeeRoomsAndPutPeersOut) {
  const Client owner = enter();
  const Client member = enter();
  create(owner, "r");
  accept(owner, member, "r");
  got(owner);
  got(member);
  const Room* room = world.rooms.find_room(RoomId("wrtcSignal:r"));
  EXPECT_EQ(world.rooms.find_peer(room->members().front())->dialect(), "wrtcSignal");
  world.rooms.kick(PeerId(room->members().back()));
  EXPECT_EQ(got(member), Texts{"41"});
  EXPECT_EQ(got(owner), Texts{R"(["room-user-leave",{"room":"r","peer_id":")" + member.id + R"("}])"});
}

TEST_F(WrtcTest, WhoIsInNoRoomIsAPeerThatCanBePutOut) {
  const Client a = enter();
  ASSERT_EQ(world.rooms.peers().size(), 1U);
  world.rooms.kick(PeerId(world.rooms.peers().begin()->first));
  EXPECT_EQ(got(a), Texts{"41"});
  EXPECT_TRUE(world.rooms.peers().empty());
}

}  // namespace
}  // namespace sluice
