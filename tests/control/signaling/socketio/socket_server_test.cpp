#include "control/signaling/socketio/socket_server.hpp"

#include <gtest/gtest.h>

#include "control/signaling/socketio/echo.hpp"
#include "tests/control/signaling/socketio/engine_harness.hpp"

namespace sluice::socketio {
namespace {

using Texts = std::vector<std::string>;

/// Says what it is told, joins rooms and sends when asked by name.
class ScriptedApplication final : public Application {
 public:
  explicit ScriptedApplication(SocketServer& server) : server_(server) {}
  ConnectDecision connect(const ConnectRequest& request, TimePoint) override {
    const auto auth = JsonObject::of(request.auth);
    const std::string wanted = auth->text("want").value_or("");
    if (wanted == "refusal") return ConnectRefused{"not you"};
    if (wanted == "silence") return ConnectIgnored{};
    return ConnectAccepted{};
  }
  void on_connect(SocketKey socket, const ConnectRequest& request, TimePoint) override {
    last = socket;
    told.push_back("connect " + std::string(request.auth.raw()));
  }
  void on_recover(SocketKey, const ConnectRequest&, std::string_view data, TimePoint) override {
    told.push_back("recover " + std::string(data));
  }
  void on_event(SocketKey socket, const Event& event, TimePoint now) override {
    std::string said = "event " + std::string(event.name);
    for (const JsonView& argument : event.arguments) said += " " + std::string(argument.raw());
    told.push_back(said);
    Endpoint& endpoint = server_.endpoint(socket);
    if (event.name == "join") endpoint.rooms.join(socket, *event.arguments[0].as_string());
    if (event.name == "say") {
      EventText text("said");
      text.relayed(event.arguments[1].raw(), event.attachments);
      server_.broadcast(endpoint, *event.arguments[0].as_string(), text, socket, now);
    }
    if (event.name == "tell")
      server_.emit_to_id(endpoint, *event.arguments[0].as_string(), EventText("told").argument("1"), now);
    if (event.name == "out") server_.disconnect(socket, now);
    if (event.name == "answer" && event.ack)
      server_.acknowledge(socket, *event.ack, EventText::acknowledgement().argument("true"), now);
  }
  void on_disconnecting(SocketKey socket, DisconnectReason reason, TimePoint) override {
    told.push_back("gone " + std::to_string(static_cast<int>(reason)) + " rooms " +
                   std::to_string(server_.endpoint(socket).rooms.room_count(socket)));
  }
  std::string save(SocketKey) const override { return "saved"; }

  Texts take() { return std::exchange(told, {}); }
  SocketServer& server_;
  SocketKey last;
  Texts told;
};

class SocketServerTest : public ::testing::Test {
 protected:
  SocketServerTest() { server.attach(engine); }
  Endpoint* choose(std::string_view name_space) {
    if (name_space == "/") return &main;
    return name_space == "/custom" ? &custom : nullptr;
  }
  /// A WebSocket whose handshake is over, joined to `/`.
  SocketId join(const std::string& auth = "") {
    const SocketId socket = client.open();
    client.got(socket);
    client.say(socket, "40" + auth);
    return socket;
  }
  void with_recovery(RecoverySettings settings = {}) { main.recovery = std::make_unique<RecoveryStore>(settings); }
  static std::string value_of(const std::string& text, const std::string& key) {
    const std::size_t at = text.find("\"" + key + "\":\"");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + key.size() + 4;
    return text.substr(begin, text.find('"', begin) - begin);
  }
  /// The last argument of an event: its offset.
  static std::string offset_of(const std::string& event) {
    const std::size_t end = event.rfind('"');
    const std::size_t begin = event.rfind('"', end - 1) + 1;
    return event.substr(begin, end - begin);
  }

  test::SeededEntropy entropy;
  RecordingSink sink;
  SocketServer server{[this](std::string_view name_space, const JsonView&, std::uint8_t) { return choose(name_space); },
                      entropy};
  EngineServer engine{EngineSettings{}, server, sink, entropy};
  EngineClient client{engine, sink};
  ScriptedApplication application{server};
  EchoApplication echo{server};
  Endpoint main{&application, {}, {}, nullptr};
  Endpoint custom{&echo, {}, {}, nullptr};
};

// --- section 7.1: CONNECT
// --------------------------------------------------------------------------------------------------

TEST_F(SocketServerTest, ConnectIsAnsweredBySocketIdThatIsNotTheSid) {
  const SocketId socket = client.open();
  const std::string sid = EngineClient::sid_of(client.got(socket)[0]);
  client.say(socket, R"(40{"a":1})");
  const Texts sent = client.got(socket);
  ASSERT_EQ(sent.size(), 1U);
  const std::string id = value_of(sent[0], "sid");
  EXPECT_EQ(sent[0], R"(40{"sid":")" + id + R"("})");
  EXPECT_EQ(id.size(), 20U);
  EXPECT_NE(id, sid);
  EXPECT_EQ(application.take(), Texts{R"(connect {"a":1})"});
}

TEST_F(SocketServerTest, ConnectReplyComesBeforeEvents) {
  const SocketId socket = client.open();
  client.got(socket);
  client.say(socket, R"(40/custom,{"token":"t"})");
  const Texts sent = client.got(socket);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].starts_with("40/custom,{\"sid\":\""));
  ASSERT_EQ(echo.next_deadline(), client.now + 10ms);
  echo.handle_timeout(client.now + 9ms);
  EXPECT_TRUE(client.got(socket).empty());
  echo.handle_timeout(client.now + 10ms);
  EXPECT_EQ(client.got(socket), Texts{R"(42/custom,["auth",{"token":"t"}])"});
  EXPECT_EQ(echo.next_deadline(), never);
}

TEST_F(SocketServerTest, UnknownNamespacesAreRefusedAndTheConnectionStays) {
  const SocketId socket = client.open();
  client.got(socket);
  client.say(socket, "40/nope,");
  client.say(socket, "40/?a=1,");
  EXPECT_EQ(client.got(socket),
            (Texts{R"(44/nope,{"message":"Invalid namespace"})", R"(44/?a=1,{"message":"Invalid namespace"})"}));
  client.say(socket, "40");
  EXPECT_EQ(client.got(socket).size(), 1U);
}

TEST_F(SocketServerTest, ARefusalHasAMessageAndDoesNotStopTheConnectTimer) {
  const SocketId socket = join(R"({"want":"refusal"})");
  EXPECT_EQ(client.got(socket), Texts{R"(44{"message":"not you"})"});
  client.advance(25s);
  client.say(socket, "3");
  client.advance(20s);
  EXPECT_TRUE(client.is_gone(socket));
}

TEST_F(SocketServerTest, AnIgnoredConnectEndsWithTheTimer) {
  const SocketId socket = join(R"({"want":"silence"})");
  EXPECT_TRUE(client.got(socket).empty());
  client.advance(45s);
  EXPECT_TRUE(client.is_gone(socket));
}

TEST_F(SocketServerTest, NamespacesOfOneSessionAreLimited) {
  SocketServerLimits limits;
  limits.name_spaces_per_session_max = 1;
  SocketServer narrow([this](std::string_view, const JsonView&, std::uint8_t) { return &custom; }, entropy, limits);
  EngineServer below(EngineSettings{}, narrow, sink, entropy);
  narrow.attach(below);
  EngineClient visitor(below, sink);
  const SocketId socket = visitor.open();
  visitor.say(socket, "40");
  EXPECT_FALSE(visitor.is_gone(socket));
  visitor.say(socket, "40/a,");
  EXPECT_TRUE(visitor.is_gone(socket));
}

// --- sections 7.2 to 7.6 and 12
// --------------------------------------------------------------------------------------------

TEST_F(SocketServerTest, EveryViolationClosesTheSession) {
  const Texts rows = {
      "40",  // again
      "40null",
      "40[]",
      "40\"a\"",  // on a namespace that is joined, and broken
      "4",
      "47",
      "4abc",
      "44{\"message\":\"x\"}",
      "42{}",
      "42[]",
      "42[true]",
      "42[\"a\"",
      "42[\"a\",]",
      "42[\"connect\"]",
      "42[\"disconnecting\"]",
      "42/custom,[\"message\"]",  // not joined
      "43/custom,1[]",
      "41/custom,",
      "41{}",
      "450-[\"a\"]",
      "4511-[\"a\"]",
      "45-[\"a\"]",
      "451-[\"a\",{\"_placeholder\":true,\"num\":1}]",
      "42[\"a\"," + std::string(64, '[') + std::string(64, ']') + "]",
  };
  for (const std::string& row : rows) {
    const SocketId socket = join();
    EXPECT_FALSE(client.is_gone(socket));
    client.say(socket, row);
    EXPECT_TRUE(client.is_gone(socket)) << row;
  }
  EXPECT_EQ(server.socket_count(), 0U);
}

TEST_F(SocketServerTest, ConnectPayloadsThatAreNoObjectsCloseTheSession) {
  for (const char* payload : {"null", "[]", "\"text\"", "{"}) {
    const SocketId socket = join(payload);
    EXPECT_TRUE(client.is_gone(socket)) << payload;
  }
}

TEST_F(SocketServerTest, EventsBeforeConnectAndAfterDisconnectCloseTheSession) {
  const SocketId early = client.open();
  client.say(early, R"(42["a"])");
  EXPECT_TRUE(client.is_gone(early));
  const SocketId late = join();
  client.say(late, "41");
  EXPECT_FALSE(client.is_gone(late));
  client.say(late, R"(42["a"])");
  EXPECT_TRUE(client.is_gone(late));
}

TEST_F(SocketServerTest, WhatHasNoMeaningIsIgnored) {
  const SocketId socket = join();
  client.got(socket);
  application.take();
  for (const char* text : {"42", "43[]", "439[]", "43", R"(42[7,"a"])", R"(427["unknown"])", "3", "5", "6"})
    client.say(socket, text);
  EXPECT_FALSE(client.is_gone(socket));
  EXPECT_TRUE(client.got(socket).empty());
  EXPECT_EQ(application.take(), Texts{"event unknown"});
}

TEST_F(SocketServerTest, AnEventIsAcknowledgedOnceWithItsId) {
  const SocketId socket = join();
  client.got(socket);
  client.say(socket, R"(420["answer"])");
  client.say(socket, R"(42["answer"])");
  client.say(socket, R"(4277["answer"])");
  EXPECT_EQ(client.got(socket), (Texts{"430[true]", "4377[true]"}));
}

TEST_F(SocketServerTest, DisconnectLeavesOneNamespaceAndMayConnectAgain) {
  const SocketId socket = join();
  client.say(socket, "40/custom,");
  const std::string first = value_of(client.got(socket)[0], "sid");
  client.say(socket, R"(42["join","r"])");
  application.take();
  client.say(socket, "41");
  EXPECT_EQ(application.take(), Texts{"gone 1 rooms 1"});
  EXPECT_EQ(main.rooms.size(), 0U);
  client.say(socket, R"(42/custom,["message","x"])");
  client.say(socket, "40");
  const Texts sent = client.got(socket);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0], R"(42/custom,["message-back","x"])");
  EXPECT_NE(value_of(sent[1], "sid"), first);
}

TEST_F(SocketServerTest, TheServersDisconnectIsToldAndTheSessionStays) {
  const SocketId socket = join();
  client.got(socket);
  client.say(socket, R"(42["out"])");
  EXPECT_EQ(client.got(socket), Texts{"41"});
  EXPECT_FALSE(client.is_gone(socket));
  EXPECT_EQ(application.take().back(), "gone 2 rooms 0");
}

// --- section 7.4: binary
// ---------------------------------------------------------------------------------------------------

TEST_F(SocketServerTest, BinaryIsEchoedInTheSameStructure) {
  const SocketId socket = client.open();
  client.say(socket, "40/custom,");
  client.got(socket);
  client.say(socket,
             R"(452-/custom,["message",{"a":{"_placeholder":true,"num":0},"b":["x",{"_placeholder":true,"num":1}]}])");
  client.say_binary(socket, "\x01");
  EXPECT_TRUE(client.got(socket).empty());
  client.say(socket, "bAgM=");
  EXPECT_EQ(
      client.got(socket),
      (Texts{R"(452-/custom,["message-back",{"a":{"_placeholder":true,"num":0},"b":["x",{"_placeholder":true,"num":1}]}])",
             "<\x01>", "<\x02\x03>"}));
  client.say(socket, R"(451-/custom,4["message-with-ack",{"_placeholder":true,"num":0}])");
  client.say_binary(socket, "\x04");
  EXPECT_EQ(client.got(socket), (Texts{R"(461-/custom,4[{"_placeholder":true,"num":0}])", "<\x04>"}));
}

TEST_F(SocketServerTest, BinaryOutOfOrderClosesTheSession) {
  const SocketId unasked = join();
  client.say_binary(unasked, "\x01");
  EXPECT_TRUE(client.is_gone(unasked));
  const SocketId interrupted = join();
  client.say(interrupted, R"(451-["a",{"_placeholder":true,"num":0}])");
  client.say(interrupted, R"(42["a"])");
  EXPECT_TRUE(client.is_gone(interrupted));
}

TEST_F(SocketServerTest, BinaryGoesByPollingAsBase64) {
  const std::string sid = client.handshake();
  client.post(EngineClient::polling(sid),
              "40/custom,\x1e"
              R"(451-/custom,["message",{"_placeholder":true,"num":0}])"
              "\x1e"
              "bAQID");
  const std::string body = client.reply(client.get(EngineClient::polling(sid)));
  EXPECT_TRUE(
      body.ends_with("\x1e"
                     R"(451-/custom,["message-back",{"_placeholder":true,"num":0}])"
                     "\x1e"
                     "bAQID"))
      << body;
}

// --- section 7.7: rooms
// ----------------------------------------------------------------------------------------------------

TEST_F(SocketServerTest, ABroadcastReachesEveryOtherMemberOnce) {
  const SocketId a = join();
  const SocketId b = join();
  const SocketId c = join();
  for (const SocketId socket : {a, b, b}) client.say(socket, R"(42["join","r"])");
  for (const SocketId socket : {a, b, c}) client.got(socket);
  client.say(a, R"(42["say","r",{"x":1}])");
  client.say(a, R"(42["say","nobody is here",{}])");
  EXPECT_TRUE(client.got(a).empty());
  EXPECT_EQ(client.got(b), Texts{R"(42["said",{"x":1}])"});
  EXPECT_TRUE(client.got(c).empty());
  client.drop(a);
  client.drop(b);
  EXPECT_EQ(main.rooms.size(), 0U);
}

TEST_F(SocketServerTest, DisconnectingRunsWhileTheSocketIsInItsRooms) {
  const SocketId socket = join();
  client.say(socket, R"(42["join","r"])");
  client.say(socket, R"(42["join","s"])");
  application.take();
  client.drop(socket);
  EXPECT_EQ(application.take(), Texts{"gone 0 rooms 2"});
}

// --- section 8: recovery
// ---------------------------------------------------------------------------------------------------

class RecoveryTest : public SocketServerTest {
 protected:
  /// Two members of room r; `lost` has seen one event and then lost its connection.
  void lose_one(RecoverySettings settings = {}) {
    with_recovery(settings);
    stays = join();
    const SocketId socket = join();
    const std::string reply = client.got(socket)[0];
    id = value_of(reply, "sid");
    pid = value_of(reply, "pid");
    client.say(stays, R"(42["join","r"])");
    client.say(socket, R"(42["join","r"])");
    client.say(stays, R"(42["say","r",1])");
    const Texts events = client.got(socket);
    ASSERT_EQ(events.size(), 1U);
    offset = offset_of(events[0]);
    EXPECT_EQ(events[0], R"(42["said",1,")" + offset + R"("])");
    client.drop(socket);
    application.take();
  }
  Texts come_back(const std::string& with_pid, const std::string& with_offset) {
    const SocketId socket = client.open();
    client.got(socket);
    client.say(socket, R"(40{"pid":")" + with_pid + R"(","offset":")" + with_offset + R"("})");
    back = socket;
    return client.got(socket);
  }
  SocketId stays = 0;
  SocketId back = 0;
  std::string id;
  std::string pid;
  std::string offset;
};

TEST_F(RecoveryTest, TheReplyHasASecretThatIsNotTheSocketId) {
  with_recovery();
  const std::string reply = client.got(join())[0];
  EXPECT_EQ(reply, R"(40{"sid":")" + value_of(reply, "sid") + R"(","pid":")" + value_of(reply, "pid") + R"("})");
  EXPECT_EQ(value_of(reply, "pid").size(), 20U);
  EXPECT_NE(value_of(reply, "pid"), value_of(reply, "sid"));
}

TEST_F(RecoveryTest, AReturningClientGetsItsIdItsRoomsAndWhatItMissed) {
  lose_one();
  client.say(stays, R"(42["say","r","missed"])");
  client.say(stays, R"(42["say","elsewhere","not for it"])");
  client.say(stays, R"(42["tell",")" + id + R"("])");
  const Texts sent = come_back(pid, offset);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0], R"(40{"sid":")" + id + R"(","pid":")" + pid + R"("})");
  EXPECT_TRUE(sent[1].starts_with(R"(42["said","missed",")"));
  EXPECT_TRUE(sent[2].starts_with(R"(42["told",1,")"));
  EXPECT_LT(offset, offset_of(sent[1]));
  EXPECT_LT(offset_of(sent[1]), offset_of(sent[2]));
  EXPECT_EQ(application.take().back(), "recover saved");
  client.say(stays, R"(42["say","r","now"])");
  EXPECT_TRUE(client.got(back)[0].starts_with(R"(42["said","now",")"));
  // Its own broadcasts are not sent back to it.
  client.drop(back);
  const std::string last = offset_of(sent[2]);
  EXPECT_EQ(come_back(pid, last).size(), 2U);
}

TEST_F(RecoveryTest, EventsThatExcludeTheSocketAreNotReplayed) {
  lose_one();
  const std::string seen = offset;
  Texts first = come_back(pid, seen);
  ASSERT_EQ(first.size(), 1U);
  client.say(back, R"(42["say","r","mine"])");
  client.drop(back);
  EXPECT_EQ(come_back(pid, seen).size(), 1U);
}

TEST_F(RecoveryTest, UnknownOrExpiredStateMakesAFreshConnection) {
  lose_one();
  const auto fresh = [&](const Texts& sent) {
    return sent.size() == 1 && sent[0].starts_with("40{") && value_of(sent[0], "sid") != id;
  };
  EXPECT_TRUE(fresh(come_back("unknown", offset)));
  EXPECT_TRUE(fresh(come_back(pid, "bad offset")));
  EXPECT_TRUE(fresh(come_back(pid, "zzzzzzzz")));  // of the future
  EXPECT_EQ(come_back(pid, offset).size(), 1U);
  EXPECT_TRUE(fresh(come_back(pid, offset)));  // it is connected: never two sockets with one id
}

TEST_F(RecoveryTest, TheStateLastsForTwoMinutes) {
  lose_one();
  const TimePoint lost_at = client.now;
  client.now = lost_at + 119s;
  EXPECT_EQ(value_of(come_back(pid, offset)[0], "sid"), id);
  client.drop(back);
  client.now += 120s;
  EXPECT_NE(value_of(come_back(pid, offset)[0], "sid"), id);
}

TEST_F(RecoveryTest, EventsThatWereDroppedMakeAFreshConnection) {
  RecoverySettings small;
  small.bytes_max = 2000;
  lose_one(small);
  client.say(stays, R"(42["say","r",")" + std::string(1000, 'a') + R"("])");
  client.say(stays, R"(42["say","r",")" + std::string(1000, 'b') + R"("])");
  EXPECT_LE(main.recovery->kept_bytes(), 2000U);
  EXPECT_NE(value_of(come_back(pid, offset)[0], "sid"), id);
}

TEST_F(RecoveryTest, LostConnectionsAreLimited) {
  RecoverySettings few;
  few.sessions_max = 2;
  with_recovery(few);
  for (int i = 0; i < 5; ++i) client.drop(join());
  EXPECT_EQ(main.recovery->lost_count(), 2U);
}

TEST_F(RecoveryTest, ADisconnectOnPurposeIsNotRecoverable) {
  with_recovery();
  const SocketId leaver = join();
  client.say(leaver, "41");
  const SocketId thrown_out = join();
  client.say(thrown_out, R"(42["out"])");
  const SocketId broken = join();
  client.say(broken, "9");
  EXPECT_EQ(main.recovery->lost_count(), 0U);
  const SocketId silent = join();
  client.advance(45s);
  EXPECT_TRUE(client.is_gone(silent));
  EXPECT_EQ(main.recovery->lost_count(), 1U);
}

TEST_F(RecoveryTest, WithoutOffsetItIsFresh) {
  lose_one();
  const SocketId socket = client.open();
  client.got(socket);
  client.say(socket, R"(40{"pid":")" + pid + R"("})");
  EXPECT_NE(value_of(client.got(socket)[0], "sid"), id);
}

// --- section 9: conformance mode
// -------------------------------------------------------------------------------------------

TEST(Conformance, TheEchoEngineSendsEveryMessageBack) {
  test::SeededEntropy entropy;
  RecordingSink sink;
  EngineEcho echo;
  EngineServer engine(conformance_settings(), echo, sink, entropy);
  echo.attach(engine);
  EngineClient client(engine, sink);
  const SocketId socket = client.open();
  EXPECT_NE(client.got(socket)[0].find(R"("pingInterval":300,"pingTimeout":200,"maxPayload":1000000)"), std::string::npos);
  client.say(socket, "4hello");
  client.say_binary(socket, "\x01");
  EXPECT_EQ(client.got(socket), (Texts{"4hello", "<\x01>"}));
  client.advance(300ms);
  EXPECT_EQ(client.got(socket), Texts{"2"});
  client.advance(200ms);
  EXPECT_TRUE(client.is_gone(socket));
}

}  // namespace
}  // namespace sluice::socketio
