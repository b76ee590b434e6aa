#include "control/signaling/socketio/engine_server.hpp"

#include <gtest/gtest.h>

#include "tests/control/signaling/socketio/engine_harness.hpp"

namespace sluice::socketio {
namespace {

using Method = EngineRequest::Method;
using Texts = std::vector<std::string>;

class EngineServerTest : public ::testing::Test {
 protected:
  static EngineSettings settings() {
    EngineSettings settings;
    settings.connect_timeout = 0ms;
    return settings;
  }
  EngineServerTest() { handler.echo = &engine; }

  test::SeededEntropy entropy;
  RecordingSink sink;
  RecordingHandler handler;
  EngineServer engine{settings(), handler, sink, entropy};
  EngineClient client{engine, sink};
};

// --- section 2 and 3: requests
// ---------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, ErrorsComeInTheOrderOfTheTable) {
  const std::string sid = client.handshake();
  struct Row {
    Method method;
    std::string query;
    std::string origin;
    std::string reply;
  };
  const std::string unknown_transport = R"(400 {"code":0,"message":"Transport unknown"})";
  const std::string unknown_session = R"(400 {"code":1,"message":"Session ID unknown"})";
  const std::string bad_method = R"(400 {"code":2,"message":"Bad handshake method"})";
  const std::string bad_request = R"(400 {"code":3,"message":"Bad request"})";
  const std::string bad_version = R"(400 {"code":5,"message":"Unsupported protocol version"})";
  const Row rows[] = {
      {Method::get, "", "", unknown_transport},
      {Method::get, "EIO=4", "", unknown_transport},
      {Method::get, "EIO=4&transport=abc", "", unknown_transport},
      {Method::get, "EIO=4&transport=abc", "a\x01", unknown_transport},
      {Method::get, "EIO=4&transport=polling", "a\x01", bad_request},
      {Method::get, "EIO=4&transport=polling&sid=nope", "", unknown_session},
      {Method::post, "EIO=4&transport=polling&sid=nope", "", unknown_session},
      {Method::get, "EIO=4&transport=websocket&sid=" + sid, "", bad_request},
      {Method::get, "EIO=3&transport=polling&sid=" + sid, "", bad_request},
      {Method::get, "transport=polling&sid=" + sid, "", bad_request},
      {Method::post, "EIO=4&transport=polling", "", bad_method},
      {Method::other, "EIO=4&transport=polling", "", bad_method},
      {Method::get, "EIO=4&transport=websocket", "", bad_request},
      {Method::get, "transport=polling", "", bad_version},
      {Method::get, "EIO=3&transport=polling", "", bad_version},
      {Method::get, "EIO=04&transport=polling", "", bad_version},
      {Method::get, "EIO=abc&transport=polling", "", bad_version},
  };
  for (const Row& row : rows) {
    const RequestId id = client.request(row.method, row.query, "", row.origin);
    EXPECT_EQ(client.reply(id), row.reply) << row.query;
    EXPECT_EQ(sink.answers.at(id).content_type, "application/json");
    EXPECT_EQ(client.header(id, "Access-Control-Allow-Origin"), "*");
  }
  EXPECT_EQ(engine.session_count(), 1U);
  EXPECT_EQ(client.reply(client.request(Method::other, EngineClient::polling(sid))).substr(0, 3), "400");
}

TEST_F(EngineServerTest, UpgradesAreRefusedByTheSameTable) {
  EXPECT_EQ(client.upgrade("EIO=4"), EngineError::transport_unknown);
  EXPECT_EQ(client.upgrade("EIO=4&transport=abc"), EngineError::transport_unknown);
  EXPECT_EQ(client.upgrade("EIO=4&transport=websocket&sid=x"), EngineError::session_unknown);
  EXPECT_EQ(client.upgrade("EIO=3&transport=websocket"), EngineError::unsupported_version);
  EXPECT_EQ(client.upgrade("transport=websocket"), EngineError::unsupported_version);
  EXPECT_EQ(client.upgrade("EIO=4&transport=polling"), EngineError::bad_request);
  EXPECT_EQ(client.upgrade("EIO=4&transport=websocket"), std::nullopt);
  EXPECT_EQ(client.upgrade("t=abc&b64=1&foo=bar&transport=websocket&EIO=4"), std::nullopt);
  EXPECT_EQ(error_text(EngineError::forbidden), "Forbidden");
  EXPECT_EQ(error_response(EngineError::forbidden).status, 403);
}

TEST_F(EngineServerTest, SessionsOfOneAddressAreLimited) {
  EngineSettings few = settings();
  few.sessions_per_ip_max = 2;
  EngineServer limited(few, handler, sink, entropy);
  EngineClient visitor(limited, sink);
  const auto open = [&](const char* ip) {
    return visitor.reply(visitor.request(Method::get, "EIO=4&transport=polling", "", "", "", ip)).substr(0, 3);
  };
  EXPECT_EQ(open("192.0.2.1"), "200");
  EXPECT_EQ(open("192.0.2.1"), "200");
  EXPECT_EQ(open("192.0.2.1"), "403");
  EXPECT_EQ(open("192.0.2.2"), "200");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(open("127.0.0.1"), "200");
  limited.shut_down(visitor.now);
  EXPECT_EQ(open("192.0.2.3"), "403");
}

// --- section 4: handshake
// --------------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, PollingHandshake) {
  const RequestId id = client.get("EIO=4&transport=polling&t=abc123&b64=1&app=mine");
  const EngineResponse& response = sink.answers.at(id);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; charset=UTF-8");
  EXPECT_EQ(client.header(id, "Cache-Control"), "no-store");
  const std::string sid = EngineClient::sid_of(response.body);
  EXPECT_EQ(
      response.body,
      R"(0{"sid":")" + sid + R"(","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})");
  EXPECT_EQ(sid.size(), 20U);
  EXPECT_EQ(sid.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), std::string::npos);
}

TEST_F(EngineServerTest, WebSocketHandshakeOffersNoUpgrades) {
  const SocketId socket = client.open();
  const Texts sent = client.got(socket);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], R"(0{"sid":")" + EngineClient::sid_of(sent[0]) +
                         R"(","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})");
}

TEST_F(EngineServerTest, SidsAreComparedExactly) {
  std::string sid = client.handshake();
  sid[3] = sid[3] == 'a' ? 'A' : 'a';
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))), R"(400 {"code":1,"message":"Session ID unknown"})");
}

// --- section 5: packets
// ----------------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, WebSocketMessagesBothWays) {
  const SocketId socket = client.open();
  client.got(socket);
  client.say(socket, "4hello");
  client.say_binary(socket, "\x01\x02");
  client.say(socket, "bAwQ=");
  EXPECT_EQ(handler.messages, (Texts{"hello", "<\x01\x02>", "<\x03\x04>"}));
  EXPECT_EQ(client.got(socket), (Texts{"4hello", "<\x01\x02>", "<\x03\x04>"}));
}

TEST_F(EngineServerTest, APollWaitsForThePacketsOfOneTurn) {
  const std::string sid = client.handshake();
  const RequestId poll = client.get(EngineClient::polling(sid));
  EXPECT_EQ(client.reply(poll), "pending");
  const RequestId post = client.post(EngineClient::polling(sid),
                                     "4a\x1e"
                                     "4b\x1e"
                                     "bAQID");
  EXPECT_EQ(client.reply(post), "200 ok");
  EXPECT_EQ(sink.answers.at(post).content_type, "text/html");
  EXPECT_EQ(client.reply(poll),
            "200 4a\x1e"
            "4b\x1e"
            "bAQID");
  EXPECT_EQ(sink.answers.at(poll).content_type, "text/plain; charset=UTF-8");
}

TEST_F(EngineServerTest, PacketsWaitForThePoll) {
  const std::string sid = client.handshake();
  client.post(EngineClient::polling(sid), "4a");
  client.post(EngineClient::polling(sid), "4b", "");
  client.post(EngineClient::polling(sid), "4c", "application/json");
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))),
            "200 4a\x1e"
            "4b\x1e"
            "4c");
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))), "pending");
}

TEST_F(EngineServerTest, TwoPollsAtOnceEndTheSession) {
  const std::string sid = client.handshake();
  const RequestId first = client.get(EngineClient::polling(sid));
  const RequestId second = client.get(EngineClient::polling(sid));
  EXPECT_EQ(client.reply(first), "200 1");
  EXPECT_EQ(client.reply(second), "400 ");
  EXPECT_EQ(handler.closes, Texts{"transport error"});
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))), R"(400 {"code":1,"message":"Session ID unknown"})");
}

TEST_F(EngineServerTest, TwoPostsAtOnceEndTheSession) {
  const std::string sid = client.handshake();
  const RequestId first = client.request(Method::post, EngineClient::polling(sid));  // its body is still on the way
  const RequestId second = client.request(Method::post, EngineClient::polling(sid));
  EXPECT_EQ(client.reply(second), "400 ");
  EXPECT_EQ(handler.closes, Texts{"transport error"});
  EXPECT_TRUE(client.answered(first));
  engine.post_body(first, "4late", client.now);
  EXPECT_TRUE(handler.messages.empty());
}

TEST_F(EngineServerTest, ALostPollEndsTheSessionAtOnce) {
  const std::string sid = client.handshake();
  client.lose(client.get(EngineClient::polling(sid)));
  EXPECT_EQ(handler.closes, Texts{"transport error"});
  EXPECT_EQ(engine.session_count(), 0U);
}

TEST_F(EngineServerTest, ALostPostBodyEndsTheSession) {
  const std::string sid = client.handshake();
  client.lose(client.request(Method::post, EngineClient::polling(sid)));
  EXPECT_EQ(handler.closes, Texts{"transport error"});
}

TEST_F(EngineServerTest, OctetStreamIsRefusedAndEndsTheSession) {
  const std::string sid = client.handshake();
  EXPECT_EQ(client.reply(client.post(EngineClient::polling(sid), "4a", "Application/Octet-Stream")), "400 ");
  EXPECT_EQ(engine.session_count(), 0U);
  EXPECT_TRUE(handler.messages.empty());
}

TEST_F(EngineServerTest, ABodyAboveTheLimitIsRefusedAndTheSessionLives) {
  const std::string sid = client.handshake();
  const std::string whole = "4" + std::string(999'999, 'a');
  EXPECT_EQ(client.reply(client.post(EngineClient::polling(sid), whole + "a")), "413 ");
  EXPECT_EQ(client.reply(client.post(EngineClient::polling(sid), whole)), "200 ok");
  EXPECT_EQ(handler.messages.size(), 1U);
  EXPECT_EQ(engine.session_count(), 1U);
}

TEST_F(EngineServerTest, BrokenBodiesEndTheSessionAfterWhatWasWhole) {
  for (const std::string body : {"abc", "",
                                 "4ok\x1e"
                                 "9",
                                 "\x1e"
                                 "4a",
                                 "4\xff"}) {
    handler.closes.clear();
    const std::string sid = client.handshake();
    const RequestId poll = client.get(EngineClient::polling(sid));
    EXPECT_EQ(client.reply(client.post(EngineClient::polling(sid), body)), "400 ") << body;
    EXPECT_EQ(handler.closes, Texts{"parse error"}) << body;
    EXPECT_EQ(client.reply(poll).substr(0, 3), "200");
    EXPECT_TRUE(client.reply(poll).ends_with("1")) << client.reply(poll);
    EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))).substr(0, 3), "400");
  }
  EXPECT_EQ(handler.messages, Texts{"ok"});
}

TEST_F(EngineServerTest, UnknownPacketsOnAWebSocketEndTheSession) {
  for (const char* text : {"", "7", "abc", "b###"}) {
    handler.closes.clear();
    const SocketId socket = client.open();
    client.say(socket, text);
    EXPECT_EQ(handler.closes, Texts{"parse error"}) << text;
    EXPECT_TRUE(client.is_gone(socket));
  }
}

TEST_F(EngineServerTest, PacketsWithoutAMeaningAreIgnored) {
  const SocketId socket = client.open();
  client.got(socket);
  for (const char* text : {"3", "3probe", "5", "6", "0{}"}) client.say(socket, text);
  EXPECT_TRUE(handler.closes.empty());
  EXPECT_TRUE(client.got(socket).empty());
  client.say(socket, "4still here");
  EXPECT_EQ(handler.messages, Texts{"still here"});
}

// --- section 5.3: heartbeat
// ------------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, PingsComeAnIntervalAfterOpeningAndAfterEachPong) {
  const SocketId socket = client.open();
  client.got(socket);
  client.advance(24'999ms);
  EXPECT_TRUE(client.got(socket).empty());
  client.advance(1ms);
  EXPECT_EQ(client.got(socket), Texts{"2"});
  client.advance(10s);
  client.say(socket, "3");
  client.advance(24'999ms);
  EXPECT_TRUE(client.got(socket).empty());
  client.advance(1ms);
  EXPECT_EQ(client.got(socket), Texts{"2"});
}

TEST_F(EngineServerTest, NoPongEndsTheSession) {
  const SocketId socket = client.open();
  client.advance(25s + 19'999ms);
  EXPECT_TRUE(handler.closes.empty());
  client.advance(1ms);
  EXPECT_EQ(handler.closes, Texts{"ping timeout"});
  EXPECT_TRUE(sink.terminated.contains(socket));
}

TEST_F(EngineServerTest, TheFirstOtherPacketRestartsThePongTimerOnce) {
  const SocketId socket = client.open();
  client.advance(25s + 15s);
  client.say(socket, "4a");
  client.advance(15s);
  client.say(socket, "4b");  // a second one does not
  client.advance(4'999ms);
  EXPECT_TRUE(handler.closes.empty());
  client.advance(1ms);
  EXPECT_EQ(handler.closes, Texts{"ping timeout"});
}

TEST_F(EngineServerTest, APingEndsALongPoll) {
  const std::string sid = client.handshake();
  const RequestId poll = client.get(EngineClient::polling(sid));
  client.advance(25s);
  EXPECT_EQ(client.reply(poll), "200 2");
  client.post(EngineClient::polling(sid), "3");
  client.advance(44s);
  EXPECT_TRUE(handler.closes.empty());
}

TEST_F(EngineServerTest, APingOfTheClientIsAViolation) {
  const SocketId socket = client.open();
  client.say(socket, "2");
  EXPECT_EQ(handler.closes, Texts{"transport error"});
  EXPECT_TRUE(client.is_gone(socket));
  const std::string sid = client.handshake();
  client.post(EngineClient::polling(sid), "2");
  EXPECT_EQ(engine.session_count(), 0U);
}

// --- section 5.4: upgrade
// --------------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, AnUpgradeLosesNothingAndKeepsTheOrder) {
  const std::string sid = client.handshake();
  const RequestId poll = client.get(EngineClient::polling(sid));
  const SocketId socket = client.open(EngineClient::websocket(sid));
  client.say(socket, "2probe");
  EXPECT_EQ(client.got(socket), Texts{"3probe"});
  EXPECT_EQ(client.reply(poll), "pending");
  client.advance(100ms);
  EXPECT_EQ(client.reply(poll), "200 6");
  const RequestId second = client.get(EngineClient::polling(sid));
  client.post(EngineClient::polling(sid), "4by polling");  // still delivered there
  EXPECT_EQ(client.reply(second), "200 4by polling");
  client.post(EngineClient::polling(sid), "4queued");
  client.say(socket, "5");
  EXPECT_EQ(client.got(socket), Texts{"4queued"});
  client.say(socket, "4by websocket");
  EXPECT_EQ(client.got(socket), Texts{"4by websocket"});
  EXPECT_EQ(handler.messages, (Texts{"by polling", "queued", "by websocket"}));
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))), R"(400 {"code":3,"message":"Bad request"})");
  EXPECT_EQ(client.reply(client.post(EngineClient::polling(sid), "4a")), R"(400 {"code":3,"message":"Bad request"})");
  EXPECT_EQ(engine.statistics().upgrades, 1U);
}

TEST_F(EngineServerTest, NoopsGoOnEveryHundredMillisecondsWhileUpgrading) {
  const std::string sid = client.handshake();
  const SocketId socket = client.open(EngineClient::websocket(sid));
  client.say(socket, "2probe");
  for (int i = 0; i < 5; ++i) {
    const RequestId poll = client.get(EngineClient::polling(sid));
    client.advance(100ms);
    EXPECT_EQ(client.reply(poll), "200 6");
  }
}

TEST_F(EngineServerTest, AFailedProbeLeavesPollingAsItWas) {
  const std::string sid = client.handshake();
  for (const std::string& first : {std::string("4early"), std::string("5"), std::string("2"), std::string("abc")}) {
    const SocketId socket = client.open(EngineClient::websocket(sid));
    client.say(socket, first);
    EXPECT_TRUE(client.is_gone(socket)) << first;
  }
  const SocketId vanished = client.open(EngineClient::websocket(sid));
  client.say(vanished, "2probe");
  client.drop(vanished);
  const SocketId slow = client.open(EngineClient::websocket(sid));
  client.say(slow, "2probe");
  client.advance(10s);
  EXPECT_TRUE(client.is_gone(slow));
  client.say(slow, "5");  // too late
  EXPECT_TRUE(handler.closes.empty());
  EXPECT_TRUE(handler.messages.empty());
  const RequestId poll = client.get(EngineClient::polling(sid));
  client.advance(1s);
  EXPECT_EQ(client.reply(poll), "pending");  // no more noops
  client.post(EngineClient::polling(sid), "4a");
  EXPECT_EQ(client.reply(poll), "200 4a");
}

TEST_F(EngineServerTest, ASecondWebSocketIsClosedAndTheSessionGoesOn) {
  const std::string sid = client.handshake();
  const SocketId first = client.open(EngineClient::websocket(sid));
  client.say(first, "2probe");
  const SocketId second = client.open(EngineClient::websocket(sid));
  EXPECT_TRUE(client.is_gone(second));
  client.say(first, "5");
  const SocketId third = client.open(EngineClient::websocket(sid));
  EXPECT_TRUE(client.is_gone(third));
  EXPECT_FALSE(client.is_gone(first));
  client.got(first);
  client.say(first, "4a");
  EXPECT_EQ(client.got(first), Texts{"4a"});
  EXPECT_TRUE(handler.closes.empty());
}

TEST_F(EngineServerTest, AnUpgradeCancelsThePongThatIsAwaited) {
  const std::string sid = client.handshake();
  const RequestId poll = client.get(EngineClient::polling(sid));
  client.advance(25s);
  ASSERT_EQ(client.reply(poll), "200 2");
  const SocketId socket = client.open(EngineClient::websocket(sid));
  client.say(socket, "2probe");
  client.say(socket, "5");
  client.got(socket);
  client.advance(24'999ms);
  EXPECT_TRUE(handler.closes.empty());
  client.advance(1ms);
  EXPECT_EQ(client.got(socket), Texts{"2"});
}

// --- section 5.5: closing
// --------------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, ACloseByPostAnswersThePollWithANoop) {
  const std::string sid = client.handshake();
  const RequestId poll = client.get(EngineClient::polling(sid));
  EXPECT_EQ(client.reply(client.post(EngineClient::polling(sid), "1")), "200 ok");
  EXPECT_EQ(client.reply(poll), "200 6");
  EXPECT_EQ(handler.closes, Texts{"transport close"});
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))), R"(400 {"code":1,"message":"Session ID unknown"})");
}

TEST_F(EngineServerTest, AWebSocketIsClosedByItsClosePacketAndByItsEnd) {
  const SocketId socket = client.open();
  client.say(socket, "1");
  EXPECT_TRUE(client.is_gone(socket));
  const SocketId other = client.open();
  client.say(other, "4last words");
  client.drop(other);
  EXPECT_EQ(handler.messages, Texts{"last words"});
  EXPECT_EQ(handler.closes, (Texts{"transport close", "transport close"}));
  EXPECT_EQ(engine.session_count(), 0U);
}

TEST_F(EngineServerTest, TheServersCloseWaitsForThePoll) {
  const std::string sid = client.handshake();
  const SessionKey session = handler.opened.back();
  client.post(EngineClient::polling(sid), "4a");
  engine.close(session, CloseReason::forced_close, client.now);
  EXPECT_EQ(handler.closes, Texts{"forced close"});
  client.advance(29s);
  EXPECT_EQ(client.reply(client.get(EngineClient::polling(sid))),
            "200 4a\x1e"
            "1");
  EXPECT_EQ(engine.session_count(), 0U);

  const std::string absent = client.handshake();
  engine.close(handler.opened.back(), CloseReason::forced_close, client.now);
  client.advance(30s);
  EXPECT_EQ(engine.session_count(), 0U);

  const std::string waiting = client.handshake();
  const RequestId poll = client.get(EngineClient::polling(waiting));
  engine.shut_down(client.now);
  EXPECT_EQ(client.reply(poll), "200 1");
  EXPECT_EQ(handler.closes.back(), "server shutting down");
}

TEST_F(EngineServerTest, ASessionThatJoinsNothingIsClosed) {
  EngineServer strict(EngineSettings{}, handler, sink, entropy);
  handler.echo = nullptr;
  EngineClient visitor(strict, sink);
  const SocketId idle = visitor.open();
  const SocketId busy = visitor.open();
  strict.established(handler.opened.back());
  visitor.advance(25s);
  visitor.say(idle, "3");
  visitor.say(busy, "3");
  visitor.advance(20s);
  EXPECT_TRUE(visitor.is_gone(idle));
  EXPECT_FALSE(visitor.is_gone(busy));
  EXPECT_EQ(handler.closes, Texts{"forced close"});
}

TEST_F(EngineServerTest, AQueueThatGrowsTooLongEndsTheSession) {
  EngineSettings small = settings();
  small.queue_bytes_max = 10;
  EngineServer limited(small, handler, sink, entropy);
  handler.echo = &limited;
  EngineClient visitor(limited, sink);
  const std::string sid = visitor.handshake();
  visitor.post(EngineClient::polling(sid), "4123456789");
  EXPECT_TRUE(handler.closes.empty());
  visitor.post(EngineClient::polling(sid), "4");
  EXPECT_EQ(handler.closes, Texts{"transport error"});
  EXPECT_EQ(limited.session_count(), 0U);
}

// --- section 6: CORS
// -------------------------------------------------------------------------------------------------------

TEST_F(EngineServerTest, PreflightsAreAnsweredForAnyQuery) {
  for (const char* query : {"", "EIO=4&transport=polling&sid=x"}) {
    const RequestId id = client.request(Method::options, query, "", "http://page.example", "content-type,x-mine");
    EXPECT_EQ(client.reply(id), "204 ");
    EXPECT_EQ(client.header(id, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(client.header(id, "Access-Control-Allow-Methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
    EXPECT_EQ(client.header(id, "Access-Control-Allow-Headers"), "content-type,x-mine");
    EXPECT_EQ(client.header(id, "Vary"), "Access-Control-Request-Headers");
    EXPECT_EQ(client.header(id, "Access-Control-Allow-Credentials"), std::nullopt);
  }
  const RequestId bare = client.request(Method::options, "");
  EXPECT_EQ(client.header(bare, "Access-Control-Allow-Headers"), std::nullopt);
}

TEST_F(EngineServerTest, WithoutCorsThereIsNoHeaderAndOptionsIsAMethod) {
  EngineSettings off = settings();
  off.cors = false;
  EngineServer closed(off, handler, sink, entropy);
  EngineClient visitor(closed, sink);
  const RequestId id = visitor.request(Method::options, "EIO=4&transport=polling");
  EXPECT_EQ(visitor.reply(id), R"(400 {"code":2,"message":"Bad handshake method"})");
  EXPECT_EQ(visitor.header(id, "Access-Control-Allow-Origin"), std::nullopt);
  EXPECT_EQ(visitor.header(visitor.get("EIO=4&transport=polling"), "Access-Control-Allow-Origin"), std::nullopt);
}

}  // namespace
}  // namespace sluice::socketio
