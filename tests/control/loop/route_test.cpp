#include "control/loop/route.hpp"

#include <gtest/gtest.h>
#include <ifaddrs.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/loop/event_loop.hpp"
#include "control/loop/web_server.hpp"
#include "tests/support/tcp_client.hpp"

namespace sluice::loop {
namespace {

using test::TcpClient;
using test::WebSocketClient;
using namespace std::chrono_literals;

/// Sends back what comes, in the kind that it came in; tells who it is when a socket opens.
class KindEcho final : public WebSocketHandler {
 public:
  explicit KindEcho(std::string name) : name_(std::move(name)) {}
  WebServer* server = nullptr;
  void on_open(SocketId id, const UpgradeRequest& request) override {
    server->send(id, std::make_shared<const std::string>(name_ + " " + request.subprotocol + " " +
                                                         request.header("x-request-id").value_or("-")));
  }
  void on_message(SocketId id, Bytes message, MessageKind kind) override {
    const std::string text(as_text(message));
    if (text == "many") {
      for (int i = 0; i < 1000; ++i) server->send(id, std::make_shared<const std::string>("m" + std::to_string(i)));
      server->send(id, std::make_shared<const std::string>(20000, 'L'));
      server->send(id, std::make_shared<const std::string>("last"));
      server->close(id, 4001, "enough");
      return;
    }
    server->send(id, std::make_shared<const std::string>(text), kind);
  }
  void on_close(SocketId) override {}

 private:
  std::string name_;
};

/// A body of a thousand short pieces that are there at once.
class ShortPieces final : public HttpBodySource {
 public:
  Next next(std::string& out) override {
    if (left_ == 0) return Next::end;
    --left_;
    out.append(100, 's');
    return Next::piece;
  }
  void on_ready(std::function<void()> ready) override { (void)ready; }

 private:
  int left_ = 1000;
};

/// A body of `pieces_` pieces; each second time it has none yet, until tick() says so.
class Pieces final : public HttpBodySource {
 public:
  static constexpr std::size_t piece_bytes = 200'000;
  explicit Pieces(int pieces, std::atomic<int>& given, std::atomic<int>& alive, bool fails)
      : pieces_(pieces), given_(given), alive_(alive), fails_(fails) {
    ++alive_;
  }
  ~Pieces() override { --alive_; }
  Next next(std::string& out) override {
    if (pieces_ == 0) return fails_ ? Next::failed : Next::end;
    waits_ = !waits_;
    if (waits_) return Next::later;
    out.append(piece_bytes, static_cast<char>('a' + pieces_ % 26));
    --pieces_;
    ++given_;
    return Next::piece;
  }
  void on_ready(std::function<void()> ready) override { ready_ = std::move(ready); }
  void tick() const {
    if (waits_ && ready_) ready_();
  }

 private:
  int pieces_;
  std::atomic<int>& given_;
  std::atomic<int>& alive_;
  bool fails_;
  bool waits_ = false;
  std::function<void()> ready_;
};

/// Everything below /r/: upgrades by path, requests that wait until another one releases them.
class TestRoute final : public Route {
 public:
  explicit TestRoute(WebSocketHandler& handler) : handler_(handler) {}
  bool claims(const RequestHead& head) const override {
    return head.path.starts_with("/r/") || head.header("sec-websocket-protocol") == "special";
  }
  UpgradeDecision upgrade(const UpgradeRequest& request) override {
    if (request.path == "/r/forbidden")
      return UpgradeRefusal{403, "application/json", R"({"e":1})", {{"x-why", "no\r\nx-bad: 1"}}};
    if (request.path == "/r/required") return UpgradeRefusal{426, "text/plain", "", {{"upgrade", "websocket"}}};
    if (request.path == "/r/long") return UpgradeRefusal{400, "text/plain", std::string(500000, 'r'), {}};
    UpgradeAccept accept;
    accept.handler = &handler_;
    accept.message_bytes_max = 30000;
    if (request.path == "/r/ping") {
      accept.ping_interval = 300ms;
      accept.ping_timeout = 200ms;
    }
    if (request.path == "/r/second") accept.subprotocol = request.subprotocols.at(1);
    return accept;
  }
  /// /r/alone: of two requests whose bodies are to come at the same time, neither is served.
  void http_arriving(const RequestHead& head, const HttpReply& reply) override {
    if (head.path != "/r/alone") return;
    const std::scoped_lock lock(mutex);
    if (alone) {
      reply({400, "text/plain", "second"});
      return (*std::exchange(alone, std::nullopt))({409, "text/plain", "first"});
    }
    alone = reply;
    arriving = head.exchange;
    reply.on_abort([this] { ++aborts; });
    ++arrivals;
  }
  void http_too_large(const RequestHead& head, const HttpReply& reply) override {
    reply({413, "text/plain", head.exchange == arriving ? "too large" : "who?"});
    alone.reset();
  }
  void http(const HttpRequest& request, HttpReply reply) override {
    const std::scoped_lock lock(mutex);
    if (request.path == "/r/alone") {
      alone.reset();
      return reply({200, "text/plain", request.exchange == arriving ? "alone " + request.body : "who?"});
    }
    if (request.path.starts_with("/r/wait")) {
      reply.on_abort([this] { ++aborts; });
      waiting.push_back(std::move(reply));
      ++waits;
    } else if (request.path == "/r/release") {
      for (const HttpReply& waiter : std::exchange(waiting, {})) {
        HttpResponse response{200, "text/plain", "", {}};
        if (request.body == "steady") {
          response.source = std::make_shared<ShortPieces>();
        } else {
          response.body = "released " + request.body;
        }
        waiter(std::move(response));
      }
      reply({204, "", "", {{"x-a", "b"}}});
    } else if (request.path == "/r/drop") {
      waiting.clear();
      reply({200, "text/plain", "dropped"});
    } else if (request.path == "/r/steady") {
      HttpResponse response{200, "text/plain", "", {}};
      response.source = std::make_shared<ShortPieces>();
      reply(std::move(response));
    } else if (request.path.starts_with("/r/stream")) {
      HttpResponse response{200, "text/plain", "", {}};
      const auto source = std::make_shared<Pieces>(request.path == "/r/stream" ? pieces : 2, given, sources,
                                                   request.path == "/r/stream/fails");
      streams.push_back(source);
      response.source = source;
      reply(std::move(response));
    } else if (request.path == "/r/huge") {
      reply({200, "text/plain", std::string(20000000, 'h')});
    } else {
      reply({200, "text/plain",
             std::to_string(static_cast<int>(request.method)) + "|" + request.body + "|" +
                 request.header("if-match").value_or("none") + "|" + request.header("x-session-id").value_or("none")});
    }
  }
  void tick() {
    const std::scoped_lock lock(mutex);
    for (const std::weak_ptr<Pieces>& stream : streams) {
      if (const auto source = stream.lock()) source->tick();
    }
  }
  static constexpr int pieces = 150;  // 30 MB: more than the kernel keeps for a client
  std::mutex mutex;
  std::vector<HttpReply> waiting;
  std::vector<std::weak_ptr<Pieces>> streams;
  std::atomic<int> waits{0};
  std::atomic<int> aborts{0};
  std::atomic<int> given{0};
  std::atomic<int> sources{0};
  std::optional<HttpReply> alone;
  std::uint64_t arriving = 0;
  std::atomic<int> arrivals{0};

 private:
  WebSocketHandler& handler_;
};

class RouteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::atomic<bool> ready{false};
    thread_ = std::thread([&] {
      EventLoop loop;
      {
        WebServer server(loop);
        own_.server = &server;
        routed_.server = &server;
        Routes routes;
        routes.add(route_);
        ListenerConfig config;
        config.name = "signaling";
        config.sockets_per_ip_max = connections_max;
        config.routes = &routes;
        config.websocket = &own_;
        config.http = [](const HttpRequest& request) { return HttpResponse{200, "text/plain", "own " + request.path, {}}; };
        port_ = server.listen(config);
        const auto stop = loop.timer([&] { loop.stop(); });
        const auto poll = loop.every(5ms, [&] {
          turns_ = turns_ + 1;
          route_.tick();
          if (stop_) stop->arm(TimePoint{});
        });
        ready = true;
        loop.run();
      }
    });
    while (!ready) std::this_thread::yield();
  }
  void TearDown() override {
    stop_ = true;
    thread_.join();
  }
  std::string ask(const std::string& method, const std::string& path, const std::string& body = "",
                  const std::string& headers = "") {
    TcpClient client(port_);
    client.write(method + " " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers +
                 (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body);
    return client.read_all();
  }
  void await(const std::function<bool()>& done) {
    for (int i = 0; i < 2000 && !done(); ++i) std::this_thread::sleep_for(5ms);
    ASSERT_TRUE(done());
  }
  static constexpr std::uint32_t connections_max = 3;
  KindEcho own_{"own"};
  KindEcho routed_{"routed"};
  TestRoute route_{routed_};
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::atomic<int> turns_{0};
  std::uint16_t port_ = 0;
};

TEST_F(RouteTest, WhatNoRouteClaimsIsTheListenersOwn) {
  EXPECT_TRUE(ask("GET", "/else").ends_with("own /else"));
  WebSocketClient client(port_, "", "/else");
  EXPECT_EQ(client.read_frame().payload, "own  -");
}

TEST_F(RouteTest, EveryMethodComesWithItsBodyAndHeaders) {
  const auto body_of = [](const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); };
  const std::string headers = "If-Match: \"a\"\r\nX-Session-Id: s1\r\n";
  EXPECT_EQ(body_of(ask("POST", "/r/x", "one", headers)), "2|one|\"a\"|s1");
  EXPECT_EQ(body_of(ask("PUT", "/r/x", "two")), "3|two|none|none");
  EXPECT_EQ(body_of(ask("PATCH", "/r/x", "three", headers)), "4|three|\"a\"|s1");
  EXPECT_EQ(body_of(ask("DELETE", "/r/x", "four")), "5|four|none|none");
  EXPECT_EQ(body_of(ask("DELETE", "/r/x")), "5||none|none");
  EXPECT_EQ(body_of(ask("OPTIONS", "/r/x", "five")), "6|five|none|none");
  EXPECT_EQ(body_of(ask("HEAD", "/r/x")), "");
}

TEST_F(RouteTest, WhoAsksForTheConnectionsEndIsToldOfIt) {
  for (const std::string option : {"close", "x, Close"}) {
    TcpClient client(port_);
    client.write("GET /r/x HTTP/1.1\r\nHost: h\r\nConnection: " + option + "\r\n\r\n");
    const std::string answer = client.read_all();
    EXPECT_NE(answer.find("\r\nconnection: close\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(client.closed());
  }
  TcpClient client(port_);
  client.write("GET /r/x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.read_until("0||none|none").find("connection:"), std::string::npos);
}

TEST_F(RouteTest, AnAnswerMayComeLaterOnAConnectionThatGoesOn) {
  TcpClient waiter(port_);
  for (int round = 0; round < 3; ++round) {
    const std::string number = std::to_string(round);
    waiter.write("GET /r/wait HTTP/1.1\r\nHost: h\r\n\r\n");
    await([&] { return route_.waits == 2 * round + 1; });
    const std::string released = ask("POST", "/r/release", number);
    EXPECT_TRUE(released.starts_with("HTTP/1.1 204 No Content\r\nx-a: b\r\n")) << released;
    EXPECT_EQ(released.find("content-length"), std::string::npos);
    EXPECT_TRUE(waiter.read_until("released " + number).starts_with("HTTP/1.1 200 OK\r\n"));
    // The same with a body, whose connection is in another state meanwhile.
    waiter.write("POST /r/wait HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    await([&] { return route_.waits == 2 * round + 2; });
    ask("POST", "/r/release", "again");
    EXPECT_TRUE(waiter.read_until("released again").starts_with("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_EQ(route_.aborts, 0);
}

TEST_F(RouteTest, WhatIsPipelinedBehindAWaitingRequestIsAnsweredAfterIt) {
  TcpClient client(port_);
  client.write("GET /r/wait HTTP/1.1\r\nHost: h\r\n\r\nGET /r/next HTTP/1.1\r\nHost: h\r\n\r\n");
  await([&] { return route_.waits == 1; });
  client.write("GET /r/third HTTP/1.1\r\nHost: h\r\nIf-Match: 3\r\nConnection: close\r\n\r\n");
  ask("POST", "/r/release", "1");
  const std::string all = client.read_all();
  EXPECT_LT(all.find("released 1"), all.find("0||none|none")) << all;
  EXPECT_LT(all.find("0||none|none"), all.find("0||3|none")) << all;
}

TEST_F(RouteTest, AClientThatGoesWhileItWaitsIsReportedOnce) {
  for (const std::string method :
       {"GET /r/wait HTTP/1.1\r\nHost: h\r\n\r\n", "POST /r/wait HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
        "POST /r/wait HTTP/1.1\r\nHost: h\r\n\r\n"}) {
    const int before = route_.aborts;
    {
      TcpClient client(port_);
      client.write(method);
      await([&, before] { return route_.waits == before + 1; });
    }
    await([&, before] { return route_.aborts == before + 1; });
  }
  EXPECT_TRUE(ask("POST", "/r/release").starts_with("HTTP/1.1 204"));
  EXPECT_EQ(route_.aborts, 3);
}

// --- while the body comes

TEST_F(RouteTest, ARequestIsAnnouncedBeforeItsBodyHasCome) {
  TcpClient client(port_);
  for (int round = 1; round <= 2; ++round) {
    client.write("POST /r/alone HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
    await([&, round] { return route_.arrivals == round; });
    client.write("dy");
    EXPECT_TRUE(client.read_until("alone body").starts_with("HTTP/1.1 200"));
  }
}

TEST_F(RouteTest, TwoThatComeAtTheSameTimeMayBothBeAnsweredBeforeTheirBodiesHaveCome) {
  TcpClient first(port_);
  TcpClient second(port_);
  first.write("POST /r/alone HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
  await([&] { return route_.arrivals == 1; });
  second.write("POST /r/alone HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\nbo");
  EXPECT_TRUE(second.read_until("second").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(first.read_until("first").starts_with("HTTP/1.1 409"));
  // What is left of the bodies is read, then the connections end.
  first.write("dy");
  EXPECT_EQ(first.read_all(), "");
  EXPECT_TRUE(first.closed());
  second.write(std::string(38, 'b'));
  EXPECT_EQ(second.read_all(), "");
  EXPECT_TRUE(second.closed());
  EXPECT_EQ(route_.aborts, 0);
}

TEST_F(RouteTest, AClientThatGoesWithinItsBodyIsReported) {
  {
    TcpClient client(port_);
    client.write("POST /r/alone HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo");
    await([&] { return route_.arrivals == 1; });
  }
  await([&] { return route_.aborts == 1; });
}

TEST_F(RouteTest, TheRouteSaysThatABodyIsTooLarge) {
  TcpClient client(port_);
  const std::size_t size = 1048577;
  client.write("POST /r/alone HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
               std::string(size, 'x'));
  EXPECT_TRUE(client.read_until("too large").starts_with("HTTP/1.1 413"));
}

TEST_F(RouteTest, AReplyThatIsDroppedIsA500) {
  TcpClient client(port_);
  client.write("GET /r/wait HTTP/1.1\r\nHost: h\r\n\r\n");
  await([&] { return route_.waits == 1; });
  ask("POST", "/r/drop");
  EXPECT_TRUE(client.read_until("Internal error").starts_with("HTTP/1.1 500"));
}

TEST_F(RouteTest, AClientThatDoesNotReadItsAnswerBlocksNobodyAndGetsItWhole) {
  TcpClient slow(port_);
  slow.write("GET /r/huge HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /r/junk");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(ask("GET", "/r/x").ends_with("0||none|none"));
  const std::string all = slow.read_all();
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 20000000U);
}

/// The content of a chunked answer, or nothing if it is not whole.
std::optional<std::string> dechunked(std::string_view answer) {
  std::string content;
  std::string_view rest = answer.substr(answer.find("\r\n\r\n") + 4);
  for (;;) {
    const std::size_t line = rest.find("\r\n");
    if (line == std::string_view::npos) return std::nullopt;
    const std::size_t size = std::stoul(std::string(rest.substr(0, line)), nullptr, 16);
    if (rest.size() < line + 4 + size) return std::nullopt;
    content.append(rest.substr(line + 2, size));
    rest.remove_prefix(line + 4 + size);
    if (size == 0) return content;
  }
}

TEST_F(RouteTest, AStreamedBodyComesInPiecesOnAConnectionThatGoesOn) {
  TcpClient client(port_);
  client.write("GET /r/stream/short HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string first = client.read_until("\r\n0\r\n\r\n");
  EXPECT_NE(first.find("transfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(first.find("content-length"), std::string::npos);
  EXPECT_EQ(dechunked(first), std::string(Pieces::piece_bytes, 'c') + std::string(Pieces::piece_bytes, 'b'));
  client.write("GET /r/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("0||none|none"));
  EXPECT_EQ(ask("HEAD", "/r/stream/short").find("ccc"), std::string::npos);
  EXPECT_FALSE(dechunked(ask("GET", "/r/stream/fails"))) << "a client sees that it did not get all";
  await([&] { return route_.sources == 0; });
}

TEST_F(RouteTest, AStreamedBodyForAnOldClientEndsWithTheConnection) {
  for (const std::string option : {"", "Connection: keep-alive\r\n", "Connection: close\r\n"}) {
    TcpClient client(port_);
    client.write("GET /r/stream/short HTTP/1.0\r\nHost: h\r\n" + option + "\r\n");
    const std::string answer = client.read_all();
    EXPECT_TRUE(client.closed());
    const std::size_t head = answer.find("\r\n\r\n") + 4;
    EXPECT_EQ(answer.substr(0, head), "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n");
    EXPECT_EQ(answer.substr(head), std::string(Pieces::piece_bytes, 'c') + std::string(Pieces::piece_bytes, 'b'));
  }
  TcpClient client(port_);
  client.write("HEAD /r/stream/short HTTP/1.0\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.read_all().find("chunked"), std::string::npos);
  TcpClient whole(port_);
  whole.write("GET /r/stream HTTP/1.0\r\nHost: h\r\n\r\n");
  const std::string answer = whole.read_all();
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, TestRoute::pieces * Pieces::piece_bytes);
  await([&] { return route_.sources == 0; });
}

TEST_F(RouteTest, WhatIsPipelinedBehindAStreamedBodyDoesNotGetIntoIt) {
  const std::string next = "GET /r/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  const std::string with_body = " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok";
  const std::string without = " HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::string& first : {"GET /r/steady" + without, "GET /r/stream/short" + without, "POST /r/steady" + with_body,
                                   "POST /r/stream/short" + with_body}) {
    TcpClient at_once(port_);
    at_once.write(first + next);
    TcpClient later(port_);
    later.write(first);
    const std::string start = later.read_until("\r\n\r\n");
    later.write(next);
    for (const std::string& all : {at_once.read_all(), start + later.read_all()}) {
      EXPECT_TRUE(all.starts_with("HTTP/1.1 200"));
      // All of the body before the second answer, or nothing of that and a body that is seen to be cut off.
      EXPECT_EQ(dechunked(all).has_value(), all.ends_with("0||none|none")) << first << all.size();
    }
    EXPECT_TRUE(at_once.closed());
    EXPECT_TRUE(later.closed());
  }
  EXPECT_TRUE(ask("GET", "/r/x").ends_with("0||none|none"));
}

TEST_F(RouteTest, AStreamedBodyIsMadeNoFasterThanItIsRead) {
  TcpClient slow(port_);
  slow.write("GET /r/stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  await([&] { return route_.given > 0; });
  int before = -1;
  await([&] {  // until nothing more is made
    for (int i = 0; i < 20; ++i) (void)ask("GET", "/r/x");
    return std::exchange(before, route_.given.load()) == route_.given;
  });
  EXPECT_LT(route_.given, TestRoute::pieces) << "all of it waits in memory";
  const auto content = dechunked(slow.read_all());
  ASSERT_TRUE(content);
  EXPECT_EQ(content->size(), TestRoute::pieces * Pieces::piece_bytes);
  EXPECT_EQ(route_.given, TestRoute::pieces);
}

TEST_F(RouteTest, AStreamWhoseReaderGoesIsEnded) {
  {
    TcpClient client(port_);
    client.write("GET /r/stream HTTP/1.1\r\nHost: h\r\n\r\n");
    await([&] { return route_.given > 0; });
  }
  await([&] { return route_.sources == 0; });
  EXPECT_LT(route_.given, TestRoute::pieces);
}

TEST_F(RouteTest, AnUpgradeIsRefusedWithStatusHeadersAndBody) {
  WebSocketClient forbidden(port_, "", "/r/forbidden");
  const std::string& head = forbidden.response;
  EXPECT_TRUE(head.starts_with("HTTP/1.1 403 Forbidden\r\n")) << head;
  EXPECT_NE(head.find("x-why: nox-bad: 1\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("content-type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(forbidden.tcp.read_all(), R"({"e":1})");
  EXPECT_TRUE(forbidden.tcp.closed());

  WebSocketClient required(port_, "", "/r/required");
  EXPECT_TRUE(required.response.starts_with("HTTP/1.1 426 ")) << required.response;
  EXPECT_NE(required.response.find("upgrade: websocket\r\n"), std::string::npos);

  WebSocketClient large(port_, "", "/r/long");
  EXPECT_TRUE(large.response.starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(large.tcp.read_all().size(), 500000U);
}

TEST_F(RouteTest, ARouteSelectsAnySubprotocolOrNone) {
  WebSocketClient second(port_, "Sec-WebSocket-Protocol: first, second\r\nX-Request-Id: 7\r\n", "/r/second");
  EXPECT_NE(second.response.find("Sec-WebSocket-Protocol: second\r\n"), std::string::npos) << second.response;
  EXPECT_EQ(second.read_frame().payload, "routed second 7");
  WebSocketClient none(port_, "Sec-WebSocket-Protocol: first, second\r\n", "/r/none");
  EXPECT_NE(none.response.find(" 101 "), std::string::npos);
  EXPECT_EQ(none.response.find("Sec-WebSocket-Protocol"), std::string::npos) << none.response;
  EXPECT_EQ(none.read_frame().payload, "routed  -");
  WebSocketClient by_protocol(port_, "Sec-WebSocket-Protocol: special\r\n", "/anywhere");
  EXPECT_EQ(by_protocol.read_frame().payload, "routed  -");
}

TEST_F(RouteTest, BinaryStaysBinary) {
  WebSocketClient client(port_, "", "/r/x");
  client.read_frame();
  client.send_frame(0x82, std::string("\0\xff\xfe", 3));
  const auto binary = client.read_frame();
  EXPECT_EQ(binary.opcode, 2);
  EXPECT_EQ(binary.payload, std::string("\0\xff\xfe", 3));
  client.send_frame(0x02, "a");
  client.send_frame(0x80, "b");
  EXPECT_EQ(client.read_frame().opcode, 2);
  client.send_text("text");
  EXPECT_EQ(client.read_frame().opcode, 1);
}

TEST_F(RouteTest, ALimitOfMessagesIsThatOfTheEndpoint) {
  WebSocketClient small(port_, "", "/r/x");
  small.read_frame();
  small.send_text(std::string(30000, 'a'));
  EXPECT_EQ(small.read_frame().payload.size(), 30000U);
  small.send_text(std::string(30001, 'a'));
  EXPECT_EQ(small.read_frame().close_code(), 1009);
  WebSocketClient large(port_, "", "/own");
  large.read_frame();
  large.send_text(std::string(100000, 'a'));
  EXPECT_EQ(large.read_frame().payload.size(), 100000U);
}

TEST_F(RouteTest, ManyMessagesOfOneTurnArriveInOrderAndBeforeTheClose) {
  WebSocketClient client(port_, "", "/r/x");
  client.read_frame();
  client.send_text("many");
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.read_frame().payload, "m" + std::to_string(i));
  EXPECT_EQ(client.read_frame().payload, std::string(20000, 'L'));
  EXPECT_EQ(client.read_frame().payload, "last");
  EXPECT_EQ(client.read_frame().close_code(), 4001);
}

TEST_F(RouteTest, APongLimitEndsSocketsOfThatEndpointOnly) {
  WebSocketClient patient(port_, "", "/r/x");
  patient.read_frame();
  WebSocketClient mute(port_, "", "/r/ping");
  mute.read_frame();
  EXPECT_EQ(mute.read_frame().opcode, 9);
  EXPECT_EQ(mute.read_frame().opcode, -1);
  EXPECT_TRUE(mute.tcp.closed());
  patient.send_text("still here");
  EXPECT_EQ(patient.read_frame().payload, "still here");
}

TEST_F(RouteTest, RequestsWhoseLengthIsUnclearAreRefusedAndTheConnectionEnds) {
  EXPECT_TRUE(ask("POST", "/r/x", "", "Transfer-Encoding: chunked\r\n").starts_with("HTTP/1.1 411 "));
  EXPECT_TRUE(ask("POST", "/r/x", "", "Content-Length: -1\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask("POST", "/r/x", "", "Content-Length: 99999999999\r\n").starts_with("HTTP/1.1 413 "));
  TcpClient client(port_);
  client.write("POST /r/x HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
}

TEST_F(RouteTest, AClientThatWaitsForPermissionToSendItsBodyGetsIt) {
  TcpClient client(port_);
  client.write("POST /r/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.write("ok");
  EXPECT_TRUE(client.read_until("2|ok|none").starts_with("HTTP/1.1 200 OK\r\n"));
}

/// An address of this machine that is not a loopback one: who connects to it comes from it.
std::optional<std::uint32_t> own_address() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return std::nullopt;
  std::optional<std::uint32_t> found;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    const std::uint32_t address = ntohl(reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr.s_addr);
    if (address >> 24U != 127) found = address;
  }
  freeifaddrs(list);
  return found;
}

TEST_F(RouteTest, ConnectionsOfOneAddressAreLimitedAndCountedDownAgain) {
  const auto own = own_address();
  if (!own) GTEST_SKIP() << "this machine has loopback only, which is exempt";
  const auto is_served = [&](const TcpClient& client) {
    client.write("GET /r/x HTTP/1.1\r\nHost: h\r\n\r\n");
    return const_cast<TcpClient&>(client).read_until("none|none").starts_with("HTTP/1.1 200");
  };
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (std::uint32_t i = 0; i < connections_max; ++i) {
    clients.push_back(std::make_unique<TcpClient>(port_, *own));
    EXPECT_TRUE(is_served(*clients.back()));
  }
  EXPECT_FALSE(is_served(TcpClient(port_, *own)));
  EXPECT_TRUE(is_served(TcpClient(port_))) << "loopback is exempt";
  clients.pop_back();
  for (int i = 0; i < 200; ++i) {
    if (is_served(TcpClient(port_, *own))) return;
    std::this_thread::sleep_for(10ms);
  }
  FAIL() << "an ended connection still counts";
}

TEST_F(RouteTest, ManySocketsShareOneMessage) {
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<WebSocketClient>(port_, "", "/r/x"));
  for (const auto& client : clients) EXPECT_EQ(client->read_frame().payload, "routed  -");
  for (const auto& client : clients) client->send_text("x");
  for (const auto& client : clients) EXPECT_EQ(client->read_frame().payload, "x");
}

}  // namespace
}  // namespace sluice::loop
