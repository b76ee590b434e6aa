#include "control/signaling/rtcio/rtcio_dialect.hpp"

#include <gtest/gtest.h>

#include "tests/control/signaling/socketio/socket_harness.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using socketio::SocketWorld;
using socketio::Texts;
using Client = SocketWorld::Client;

class RtcioTest : public ::testing::Test {
 protected:
  explicit RtcioTest(RtcioOptions options = {})
      : dialect(
            world.server, world.endpoint, world.rooms, world.bus,
            [](std::string_view name) { return RoomId("rtcio:" + std::string(name)); }, options) {
    world.endpoint.application = &dialect;
    world.endpoint.recovery = std::make_unique<socketio::RecoveryStore>(socketio::RecoverySettings{});
  }
  Client connect(const std::string& auth = "") { return world.connect(auth); }
  void emit(const Client& client, const std::string& event) { world.emit(client, event); }
  Texts got(const Client& client) { return world.got(client); }
  void join(const Client& client, const std::string& room, const std::string& more = "") {
    emit(client, R"(["join-room",{"roomId":")" + room + R"(","name":"n")" + more + "}]");
  }
  bool alive(const Client& client) { return !world.wire.is_gone(client.socket); }

  SocketWorld world;
  RtcioDialect dialect;
};

// --- section 3: joining
// ----------------------------------------------------------------------------------------------------

TEST_F(RtcioTest, ANewcomerLearnsOfMembersAndTheyOfferToIt) {
  const Client a = connect();
  const Client b = connect();
  const Client c = connect();
  emit(a, R"(["join-room",{"roomId":"r","name":"Ann"}])");
  EXPECT_EQ(got(a), Texts{R"(["join-ok",{"roomId":"r"}])"});
  emit(a, R"(["media-state",{"roomId":"r","id":")" + a.id + R"(","mic":true,"cam":false}])");
  emit(b, R"(["join-room",{"roomId":"r","name":{"first":"Bob"}}])");
  EXPECT_EQ(got(b), (Texts{R"(["user-connected",{"name":"Ann","id":")" + a.id + R"("}])",
                           R"(["media-state",{"id":")" + a.id + R"(","roomId":"r","mic":true,"cam":false}])",
                           R"(["join-ok",{"roomId":"r"}])"}));
  EXPECT_EQ(got(a), (Texts{R"(["user-connected",{"name":{"first":"Bob"},"id":")" + b.id + R"("}])",
                           R"(["#rtcio:init-offer",{"source":")" + b.id + R"("},{"polite":true}])"}));
  emit(c, R"(["join-room",{"roomId":"r"}])");
  const Texts to_c = got(c);
  ASSERT_EQ(to_c.size(), 4U);  // in join order
  EXPECT_NE(to_c[0].find(a.id), std::string::npos);
  EXPECT_NE(to_c[2].find(b.id), std::string::npos);
  EXPECT_EQ(got(b), (Texts{R"(["user-connected",{"id":")" + c.id + R"("}])",
                           R"(["#rtcio:init-offer",{"source":")" + c.id + R"("},{"polite":true}])"}));
}

TEST_F(RtcioTest, TheOffsetIsNeverTheSecondArgumentOfInitOffer) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  world.wire.got(a.socket);
  join(b, "r");
  const Texts raw = world.wire.got(a.socket);
  ASSERT_EQ(raw.size(), 2U);
  EXPECT_TRUE(raw[1].starts_with(R"(42["#rtcio:init-offer",{"source":")" + b.id + R"("},{"polite":true},")")) << raw[1];
}

TEST_F(RtcioTest, RoomsWithoutAProperNameAreInvalid) {
  const Client a = connect();
  const std::pair<std::string, std::string> rows[] = {
      {R"(["join-room"])", R"(["join-error",{"reason":"invalid-room"}])"},
      {R"(["join-room",null])", R"(["join-error",{"reason":"invalid-room"}])"},
      {R"(["join-room",5])", R"(["join-error",{"reason":"invalid-room"}])"},
      {R"(["join-room",{}])", R"(["join-error",{"reason":"invalid-room"}])"},
      {R"(["join-room",{"roomId":null}])", R"(["join-error",{"reason":"invalid-room","roomId":null}])"},
      {R"(["join-room",{"roomId":5}])", R"(["join-error",{"reason":"invalid-room","roomId":5}])"},
      {R"(["join-room",{"roomId":""}])", R"(["join-error",{"reason":"invalid-room","roomId":""}])"},
      {R"(["check-room",{"roomId":[1]}])", R"(["join-error",{"reason":"invalid-room","roomId":[1]}])"},
  };
  for (const auto& [event, answer] : rows) {
    emit(a, event);
    EXPECT_EQ(got(a), Texts{answer}) << event;
  }
  const std::string longest(256, 'r');
  emit(a, R"(["join-room",{"roomId":")" + longest + R"("}])");
  EXPECT_EQ(got(a).size(), 1U);
  EXPECT_EQ(dialect.room_count(), 1U);
  emit(a, R"(["join-room",{"roomId":")" + longest + R"(r"}])");
  EXPECT_EQ(got(a), Texts{R"(["join-error",{"reason":"invalid-room","roomId":")" + longest + R"(r"}])"});
  EXPECT_TRUE(alive(a));
}

TEST_F(RtcioTest, TheFirstJoinerSetsThePassword) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r", R"(,"password":"  pw  ")");
  join(b, "r");
  EXPECT_EQ(got(b), Texts{R"(["join-error",{"reason":"password-required","roomId":"r"}])"});
  join(b, "r", R"(,"password":5)");
  EXPECT_EQ(got(b), Texts{R"(["join-error",{"reason":"password-required","roomId":"r"}])"});
  join(b, "r", R"(,"password":"other")");
  EXPECT_EQ(got(b), Texts{R"(["join-error",{"reason":"wrong-password","roomId":"r"}])"});
  emit(b, R"(["check-room",{"roomId":"r"}])");
  emit(b, R"(["check-room",{"roomId":"r","password":"no"}])");
  emit(b, R"(["check-room",{"roomId":"r","password":"pw"}])");
  emit(b, R"(["check-room",{"roomId":"empty"}])");
  EXPECT_EQ(got(b), (Texts{R"(["join-error",{"reason":"password-required","roomId":"r"}])",
                           R"(["join-error",{"reason":"wrong-password","roomId":"r"}])",
                           R"(["room-check-ok",{"roomId":"r","passwordRequired":true}])",
                           R"(["room-check-ok",{"roomId":"empty","passwordRequired":false}])"}));
  EXPECT_EQ(got(a).size(), 1U);  // join-ok and nothing about all this
  join(b, "r", R"(,"password":"\u00a0pw\u2003")");
  EXPECT_EQ(got(b).back(), R"(["join-ok",{"roomId":"r"}])");
}

TEST_F(RtcioTest, AnEmptiedRoomForgetsItsPasswordAndAnOpenOneTakesAny) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r", R"(,"password":"first")");
  world.wire.drop(a.socket);
  join(b, "r", R"(,"password":"second")");
  EXPECT_EQ(got(b), Texts{R"(["join-ok",{"roomId":"r"}])"});
  const Client c = connect();
  const Client d = connect();
  join(c, "open");
  join(d, "open", R"(,"password":"whatever")");
  EXPECT_EQ(got(d).back(), R"(["join-ok",{"roomId":"open"}])");
}

TEST_F(RtcioTest, JoiningAgainAnnouncesAgainWithoutListingOneself) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(a);
  got(b);
  emit(b, R"(["join-room",{"roomId":"r","name":"new name"}])");
  EXPECT_EQ(got(b), (Texts{R"(["user-connected",{"name":"n","id":")" + a.id + R"("}])", R"(["join-ok",{"roomId":"r"}])"}));
  EXPECT_EQ(got(a), (Texts{R"(["user-connected",{"name":"new name","id":")" + b.id + R"("}])",
                           R"(["#rtcio:init-offer",{"source":")" + b.id + R"("},{"polite":true}])"}));
  EXPECT_EQ(world.rooms.find_room(RoomId("rtcio:r"))->members().size(), 2U);
}

TEST_F(RtcioTest, ALongNameIsLeftOut) {
  const Client a = connect();
  const Client b = connect();
  emit(a, R"(["join-room",{"roomId":"r","name":")" + std::string(1023, 'x') + R"("}])");
  join(b, "r");
  EXPECT_EQ(got(b)[0], R"(["user-connected",{"id":")" + a.id + R"("}])");
}

class SmallRtcioTest : public RtcioTest {
 protected:
  SmallRtcioTest()
      : RtcioTest({.rooms_per_socket_max = 2,
                   .members_per_room_max = 2,
                   .messages_per_second_max = 10,
                   .require_shared_room = true}) {}
};

TEST_F(SmallRtcioTest, RoomsAndMembersAreLimited) {
  const Client a = connect();
  const Client b = connect();
  const Client c = connect();
  join(a, "r");
  join(b, "r");
  join(c, "r");
  EXPECT_EQ(got(c), Texts{R"(["join-error",{"reason":"room-full","roomId":"r"}])"});
  join(a, "s");
  got(a);
  join(a, "t");
  EXPECT_EQ(got(a), Texts{R"(["join-error",{"reason":"too-many-rooms","roomId":"t"}])"});
}

TEST_F(SmallRtcioTest, AFloodIsDroppedAndWhoGoesOnIsDisconnected) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(a);
  got(b);
  const std::string envelope = R"(["#rtcio:message",{"target":")" + b.id + R"("}])";
  for (int i = 0; i < 150; ++i) emit(a, envelope);
  EXPECT_EQ(got(b).size(), 100U);  // ten seconds' worth at once
  world.wire.now += 1s;
  for (int i = 0; i < 20; ++i) emit(a, envelope);
  EXPECT_EQ(got(b).size(), 10U);
  EXPECT_TRUE(alive(a));
  for (int i = 0; i < 100; ++i) emit(a, envelope);
  EXPECT_TRUE(got(a).back() == "41" || !alive(a));
  EXPECT_EQ(dialect.statistics().flooders_disconnected, 1U);
}

TEST_F(SmallRtcioTest, ASharedRoomMayBeRequired) {
  const Client a = connect();
  const Client b = connect();
  emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"("}])");
  EXPECT_TRUE(got(b).empty());
  join(a, "r");
  join(b, "r");
  got(b);
  emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"("}])");
  EXPECT_EQ(got(b).size(), 1U);
}

// --- section 2: relay
// ------------------------------------------------------------------------------------------------------

TEST_F(RtcioTest, EnvelopesReachTheirTargetUnchanged) {
  const Client a = connect();
  const Client b = connect();
  const std::string envelope = R"({"source":")" + a.id + R"(","target":")" + b.id +
                               R"(","data":{"description":{"type":"offer","sdp":"v=0\r\n\u00e4"}},"more":[1.50,null]})";
  emit(a, R"(["#rtcio:message",)" + envelope + "]");
  EXPECT_EQ(got(b), Texts{R"(["#rtcio:message",)" + envelope + "]"});
  EXPECT_TRUE(got(a).empty());
  const std::string large = R"({"target":")" + b.id + R"(","data":")" + std::string(900'000, 's') + R"("})";
  emit(a, R"(["#rtcio:message",)" + large + "]");
  EXPECT_EQ(got(b), Texts{R"(["#rtcio:message",)" + large + "]"});
}

TEST_F(RtcioTest, BinaryInEnvelopesStaysBinary) {
  const Client a = connect();
  const Client b = connect();
  const std::string envelope = R"({"target":")" + b.id + R"(","data":{"_placeholder":true,"num":0}})";
  world.wire.say(a.socket, R"(451-["#rtcio:message",)" + envelope + "]");
  world.wire.say_binary(a.socket, "\x01\x02");
  const Texts raw = world.wire.got(b.socket);
  ASSERT_EQ(raw.size(), 2U);
  EXPECT_TRUE(raw[0].starts_with(R"(451-["#rtcio:message",)" + envelope + ",\"")) << raw[0];
  EXPECT_EQ(raw[1], "<\x01\x02>");
}

TEST_F(RtcioTest, EnvelopesWithoutAReachableTargetAreDropped) {
  const Client a = connect();
  const Client b = connect();
  const std::string rows[] = {
      R"(["#rtcio:message"])",
      R"(["#rtcio:message",null])",
      R"(["#rtcio:message",5])",
      R"(["#rtcio:message","x"])",
      R"(["#rtcio:message",[]])",
      R"(["#rtcio:message",{}])",
      R"(["#rtcio:message",{"target":null}])",
      R"(["#rtcio:message",{"target":5}])",
      R"(["#rtcio:message",{"target":"nobody"}])",
      R"(["#rtcio:message",{"target":")" + a.id + R"("}])",
      R"(["#rtcio:message",{"source":")" + b.id + R"(","target":")" + b.id + R"("}])",  // forged
  };
  for (const std::string& row : rows) {
    emit(a, row);
    EXPECT_TRUE(got(a).empty()) << row;
    EXPECT_TRUE(got(b).empty()) << row;
  }
  EXPECT_TRUE(alive(a));
  // A former id of one's own, or none at all, passes.
  emit(a, R"(["#rtcio:message",{"source":"an id from before","target":")" + b.id + R"("}])");
  emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"("}])");
  EXPECT_EQ(got(b).size(), 2U);
}

TEST_F(RtcioTest, ReservedAndUnknownEventsAreIgnored) {
  const Client a = connect();
  for (const char* name : {"#rtcio:offer", "#rtcio:answer", "#rtcio:candidate", "#rtcio:stream-meta", "#rtcio:init-offer",
                           "#rtcio:peer-left", "foo"}) {
    world.wire.say(a.socket, std::string(R"(427[")") + name + R"(",{"target":"x"}])");
    EXPECT_TRUE(got(a).empty()) << name;  // no acknowledgement either
  }
  EXPECT_TRUE(alive(a));
}

TEST_F(RtcioTest, ARoomNamedLikeASocketIdGivesNoAccess) {
  const Client a = connect();
  const Client b = connect();
  const Client spy = connect();
  join(spy, b.id);
  got(spy);
  emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"("}])");
  EXPECT_EQ(got(b).size(), 1U);
  EXPECT_TRUE(got(spy).empty());
}

// --- section 4: the demo server's events
// -----------------------------------------------------------------------------------

TEST_F(RtcioTest, RoomEventsGoToTheOtherMembers) {
  const Client a = connect();
  const Client b = connect();
  const Client outsider = connect();
  join(a, "r");
  join(b, "r");
  for (const Client* client : {&a, &b, &outsider}) got(*client);
  for (const std::string event :
       {R"(["chat-message",{"roomId":"r","text":"hi","at":1.0}])", R"(["stopScreenShare",{"roomId":"r","id":"s"}])",
        R"(["media-state",{"roomId":"r","id":"x","mic":1,"cam":null,"more":true}])"}) {
    emit(a, event);
    EXPECT_EQ(got(b), Texts{event});
    EXPECT_TRUE(got(a).empty());
    emit(outsider, event);
    EXPECT_TRUE(got(b).empty()) << "from somebody who is no member";
  }
  for (const std::string name : {"chat-message", "stopScreenShare", "media-state"}) {
    for (const std::string payload : {"", ",null", ",5", ",{}", R"(,{"roomId":5})", R"(,{"roomId":""})"})
      emit(a, "[\"" + name + "\"" + payload + "]");
  }
  EXPECT_TRUE(got(b).empty());
  EXPECT_TRUE(alive(a));
}

TEST_F(RtcioTest, OnlyBooleansOfMediaStateAreRemembered) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  emit(a, R"(["media-state",{"roomId":"r","id":"x","mic":"yes","cam":true}])");
  join(b, "r");
  EXPECT_EQ(got(b).size(), 2U);  // user-connected, join-ok
}

// --- section 5: leaving
// ----------------------------------------------------------------------------------------------------

TEST_F(RtcioTest, EverySharedRoomHearsOfALeave) {
  const Client a = connect();
  const Client b = connect();
  for (const char* room : {"r", "s", "t"}) {
    join(a, room);
    join(b, room);
  }
  got(b);
  world.wire.drop(a.socket);
  const std::string left = R"(["#rtcio:peer-left",{"id":")" + a.id + R"("}])";
  const std::string gone = R"(["user-disconnected",{"id":")" + a.id + R"("}])";
  EXPECT_EQ(got(b), (Texts{left, gone, left, gone, left, gone}));
  world.wire.drop(b.socket);
  EXPECT_EQ(dialect.room_count(), 0U);
  EXPECT_TRUE(world.rooms.rooms().empty());
  EXPECT_TRUE(world.rooms.peers().empty());
}

TEST_F(RtcioTest, AClientThatVanishesIsNoticedByTheHeartbeat) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(b);
  world.wire.advance(25s);
  world.wire.say(b.socket, "3");
  world.wire.advance(20s);
  const Texts told = got(b);
  EXPECT_NE(std::find(told.begin(), told.end(), R"(["#rtcio:peer-left",{"id":")" + a.id + R"("}])"), told.end());
}

TEST_F(RtcioTest, ARecoveredClientIsBackWithoutFurtherAnnouncements) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(b);
  got(a);
  const std::string offset = world.last_offset;
  world.wire.drop(a.socket);
  EXPECT_EQ(got(b).size(), 2U);  // peer-left and user-disconnected, at once
  emit(b, R"(["chat-message",{"roomId":"r","text":"missed"}])");
  emit(b, R"(["#rtcio:message",{"target":")" + a.id + R"(","data":1}])");
  const Client back = connect(R"({"pid":")" + a.pid + R"(","offset":")" + offset + R"("})");
  EXPECT_EQ(back.id, a.id);
  EXPECT_EQ(got(back), (Texts{R"(["chat-message",{"roomId":"r","text":"missed"}])",
                              R"(["#rtcio:message",{"target":")" + a.id + R"(","data":1}])"}));
  EXPECT_TRUE(got(b).empty());
  EXPECT_EQ(world.rooms.find_room(RoomId("rtcio:r"))->members().size(), 2U);
  const Client c = connect();
  join(c, "r");
  EXPECT_NE(got(c)[1].find(R"({"name":"n","id":")" + a.id), std::string::npos) << "its name was kept";
}

TEST_F(RtcioTest, ALongerLossOrALeaveMakesAFreshSession) {
  const Client a = connect();
  join(a, "r");
  got(a);
  const std::string offset = world.last_offset;
  world.wire.drop(a.socket);
  world.wire.now += 121s;
  EXPECT_NE(connect(R"({"pid":")" + a.pid + R"(","offset":")" + offset + R"("})").id, a.id);
  const Client b = connect();
  join(b, "r");
  got(b);
  world.wire.say(b.socket, "41");
  EXPECT_NE(connect(R"({"pid":")" + b.pid + R"(","offset":")" + world.last_offset + R"("})").id, b.id);
}

// --- what operators get
// ----------------------------------------------------------------------------------------------------

TEST_F(RtcioTest, OperatorsSeeRoomsAndPutPeersOut) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(a);
  got(b);
  const Room* room = world.rooms.find_room(RoomId("rtcio:r"));
  ASSERT_NE(room, nullptr);
  ASSERT_EQ(room->members().size(), 2U);
  EXPECT_EQ(room->capacity(), 256U);
  const Peer* peer = world.rooms.find_peer(room->members().front());
  EXPECT_EQ(peer->dialect(), "rtcio");
  EXPECT_EQ(*peer->metadata().find("name"), "\"n\"");
  (void)world.rooms.broadcast_data(RoomId("rtcio:r"), R"({"notice":1})");
  EXPECT_EQ(got(b), Texts{R"(["data",{"from":"__admin__","payload":{"notice":1}}])"});
  got(a);
  world.rooms.kick(PeerId(room->members().front()));
  EXPECT_EQ(got(a), Texts{"41"});
  EXPECT_EQ(got(b), (Texts{R"(["#rtcio:peer-left",{"id":")" + a.id + R"("}])",
                           R"(["user-disconnected",{"id":")" + a.id + R"("}])"}));
  EXPECT_EQ(world.rooms.peers().size(), 1U);
}

class Doorkeeper final : public AdmissionStep {
 public:
  AdmissionStage stage() const override { return AdmissionStage::user_hook; }
  void decide(const AdmissionRequest&, AdmissionReply reply) override { waiting.push_back(std::move(reply)); }
  std::vector<AdmissionReply> waiting;
};

TEST_F(RtcioTest, AdmissionOfTheCoreAppliesAndMayTakeTime) {
  Doorkeeper keeper;
  world.rooms.add_admission_step(keeper);
  const Client a = connect();
  const Client b = connect();
  join(a, "r", R"(,"password":"a")");
  join(a, "r");
  join(b, "r", R"(,"password":"b")");
  EXPECT_TRUE(got(a).empty());
  ASSERT_EQ(keeper.waiting.size(), 2U);
  keeper.waiting[0](Admit{}, world.wire.now);
  EXPECT_EQ(got(a), Texts{R"(["join-ok",{"roomId":"r"}])"});
  keeper.waiting[1](Admit{}, world.wire.now);
  EXPECT_EQ(got(b), Texts{R"(["join-error",{"reason":"wrong-password","roomId":"r"}])"});
  join(b, "s");
  keeper.waiting[2](Refuse{}, world.wire.now);
  EXPECT_EQ(got(b), Texts{R"(["join-error",{"reason":"rejected","roomId":"s","message":"Join rejected"}])"});
  join(b, "t");
  world.wire.drop(b.socket);
  keeper.waiting[3](Admit{}, world.wire.now);  // too late
  EXPECT_EQ(world.rooms.peers().size(), 1U);
}

class StrictGuard final : public MessageGuard {
 public:
  std::optional<std::string> refuse_connection(std::string_view, TimePoint) override {
    return refusing ? std::optional<std::string>("Banned") : std::nullopt;
  }
  GuardVerdict check(const PeerId&, const GuardedMessage& message, TimePoint) override {
    seen.push_back(message.request);
    return message.request == ClientRequest::sdp ? GuardVerdict::drop : GuardVerdict::pass;
  }
  bool refusing = false;
  std::vector<ClientRequest> seen;
};

TEST_F(RtcioTest, AGuardIsAskedForConnectionsAndMessages) {
  StrictGuard guard;
  dialect.set_guard(guard);
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(b);
  emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"(","data":{"description":{}}}])");
  EXPECT_TRUE(got(b).empty());
  emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"(","data":{"candidate":{}}}])");
  EXPECT_EQ(got(b).size(), 1U);
  emit(a, R"(["chat-message",{"roomId":"r"}])");
  EXPECT_EQ(guard.seen, (std::vector{ClientRequest::join, ClientRequest::join, ClientRequest::sdp, ClientRequest::candidate,
                                     ClientRequest::data}));
  guard.refusing = true;
  EXPECT_EQ(connect().reply, R"(44{"message":"Banned"})");
}

// --- what operators rule: also over sockets that are in no room

TEST_F(RtcioTest, WhoIsInNoRoomIsAPeerThatCanBePutOut) {
  const Client a = connect();
  ASSERT_EQ(world.rooms.peers().size(), 1U);
  EXPECT_EQ(world.rooms.peers().begin()->second->dialect(), "rtcio");
  world.rooms.kick(PeerId(world.rooms.peers().begin()->first));
  EXPECT_EQ(got(a), Texts{"41"});
  EXPECT_TRUE(world.rooms.peers().empty());

  const Client b = connect();
  join(b, "r");
  EXPECT_EQ(world.rooms.peers().size(), 1U) << "the one that waited has joined";
  join(b, "s");
  EXPECT_EQ(world.rooms.peers().size(), 2U);
  world.wire.drop(b.socket);
  EXPECT_TRUE(world.rooms.peers().empty());
}

TEST_F(RtcioTest, WhoIsRefusedByARoomStaysAPeer) {
  Doorkeeper keeper;
  world.rooms.add_admission_step(keeper);
  const Client a = connect();
  join(a, "r");
  keeper.waiting[0](Refuse{}, world.wire.now);
  ASSERT_EQ(world.rooms.peers().size(), 1U);
  got(a);
  world.rooms.kick(PeerId(world.rooms.peers().begin()->first));
  EXPECT_EQ(got(a), Texts{"41"});
}

TEST_F(RtcioTest, ABanHoldsForConnectionsThatComeBack) {
  StrictGuard guard;
  dialect.set_guard(guard);
  const Client a = connect();
  join(a, "r");
  got(a);
  world.wire.drop(a.socket);
  guard.refusing = true;
  const std::string back = R"({"pid":")" + a.pid + R"(","offset":")" + world.last_offset + R"("})";
  EXPECT_EQ(connect(back).reply, R"(44{"message":"Banned"})");
  guard.refusing = false;
  EXPECT_EQ(connect(back).id, a.id) << "what was turned away took nothing";
}

/// Nobody may send data; everything else is allowed.
class Mute final : public Permissions {
 public:
  bool allows(const PeerId&, MemberAction action) const override { return action != MemberAction::data; }
};

TEST_F(RtcioTest, ApplicationDataNeedsItsPermissionAndNegotiationDoesNot) {
  const Client a = connect();
  const Client b = connect();
  join(a, "r");
  join(b, "r");
  got(a);
  got(b);
  const Mute mute;
  world.rooms.add_permissions(mute);
  const auto envelope = [&](const std::string& data) {
    emit(a, R"(["#rtcio:message",{"target":")" + b.id + R"(","data":)" + data + "}]");
    return got(b).size();
  };
  EXPECT_EQ(envelope(R"({"description":{"type":"offer","sdp":"v=0"}})"), 1U);
  EXPECT_EQ(envelope(R"({"candidate":null})"), 1U);
  EXPECT_EQ(envelope(R"({"mid":"s"})"), 1U);
  EXPECT_EQ(envelope(R"({"mid":"s","events":{"x":[1]}})"), 0U);
  EXPECT_EQ(envelope(R"({"description":{},"chat":"hello"})"), 0U);
  EXPECT_EQ(envelope(R"({})"), 0U);
  EXPECT_EQ(envelope(R"("text")"), 0U);
  for (const std::string event : {"chat-message", "media-state", "stopScreenShare"}) {
    emit(a, R"([")" + event + R"(",{"roomId":"r","mic":true,"cam":true}])");
    EXPECT_TRUE(got(b).empty()) << event;
  }
  EXPECT_EQ(dialect.statistics().dropped_not_allowed, 7U);
}

/// Notes what it is shown, and admits.
class Reader final : public AdmissionStep {
 public:
  AdmissionStage stage() const override { return AdmissionStage::policy; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override {
    const std::string* token = request.metadata.find("policyToken");
    tokens.push_back(token == nullptr ? "-" : *token);
    Admit admit;
    admit.edits.append("policyToken", "null");
    reply(admit, request.now);
  }
  Texts tokens;
};

TEST_F(RtcioTest, AdmissionIsShownTheTokenOfTheConnectOrOfTheJoin) {
  Reader reader;
  world.rooms.add_admission_step(reader);
  join(connect(R"({"policyToken":"unasked"})"), "r");
  dialect.set_token_keys({{"policyToken", "policyToken"}});  // a policy was attached to the running server
  EXPECT_EQ(std::exchange(reader.tokens, {}), Texts{"-"});
  join(connect(), "r");
  const Client a = connect(R"({"policyToken":"auth"})");
  join(a, "r");
  emit(a, R"(["join-room",{"roomId":"s","policyToken":"own"}])");
  EXPECT_EQ(reader.tokens, (Texts{"-", R"("auth")", R"("own")"}));
  got(a);
  // A lost connection shows what it showed before, or what it brings.
  world.wire.drop(a.socket);
  const std::string back = R"({"pid":")" + a.pid + R"(","offset":")" + world.last_offset + R"(")";
  const Client again = connect(back + "}");
  EXPECT_EQ(again.id, a.id);
  ASSERT_EQ(reader.tokens.size(), 5U);
  EXPECT_EQ(reader.tokens.back(), R"("own")");
  world.wire.drop(again.socket);
  EXPECT_EQ(connect(back + R"(,"policyToken":"new"})").id, a.id);
  ASSERT_EQ(reader.tokens.size(), 7U);
  EXPECT_EQ(reader.tokens.back(), R"("new")");
}

}  // namespace
}  // namespace sluice
