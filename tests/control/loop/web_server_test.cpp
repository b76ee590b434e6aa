#include "control/loop/web_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "control/loop/event_loop.hpp"
#include "tests/support/tcp_client.hpp"

namespace sluice::loop {
namespace {

using test::TcpClient;
using test::WebSocketClient;

/// Echoes; "close CODE" closes; everything else is remembered by what it answers.
class EchoHandler final : public WebSocketHandler {
 public:
  WebServer* server = nullptr;
  std::atomic<int> open{0};
  void on_open(SocketId id, const UpgradeRequest& request) override {
    ++open;
    server->send(
        id, std::make_shared<const std::string>("open " + request.path + " " + request.query + " " + request.subprotocol));
  }
  void on_message(SocketId id, Bytes message, MessageKind) override {
    const std::string text(as_text(message));
    if (text == "close") {
      server->send(id, std::make_shared<const std::string>("bye"));
      server->close(id, 1008, std::string(200, 'x'));
    } else {
      server->send(id, std::make_shared<const std::string>(text));
    }
  }
  void on_close(SocketId) override { --open; }
};

class WebServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::atomic<bool> ready{false};
    thread_ = std::thread([&] {
      EventLoop loop;
      {
        WebServer server(loop);
        handler_.server = &server;
        ListenerConfig config;
        config.name = "signaling";
        config.host = "127.0.0.1";
        config.message_bytes_max = 100000;
        config.body_bytes_max = 1000;
        config.ping_interval = std::chrono::seconds(1);
        config.websocket = &handler_;
        config.http = [](const HttpRequest& request) {
          if (request.path == "/large") return HttpResponse{200, "text/plain", std::string(300000, 'z'), {}};
          return HttpResponse{request.path == "/" ? 200 : 404,
                              "text/plain",
                              request.path + "|" + request.query + "|" + request.body,
                              {{"x-a", "b"}}};
        };
        port_ = server.listen(config);
        const auto stop = loop.timer([&] { loop.stop(); });
        const auto poll = loop.every(std::chrono::milliseconds(5), [&] {
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
  EchoHandler handler_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::uint16_t port_ = 0;
};

TEST_F(WebServerTest, AnswersHttpRequests) {
  TcpClient client(port_);
  client.write("GET /a%20b?x=1&y=2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string response = client.read_all();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 404")) << response;
  EXPECT_NE(response.find("x-a: b"), std::string::npos) << response;
  EXPECT_NE(response.find("/a b|x=1&y=2|"), std::string::npos) << response;
}

TEST_F(WebServerTest, EveryByteOfAPathMayBeEscapedOnceOrElseTwice) {
  const auto path_of = [this](const std::string& escape) {
    TcpClient client(port_);
    client.write("GET /a" + escape + "b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string response = client.read_all();
    const std::size_t body = response.find("\r\n\r\n");
    return body == std::string::npos ? response : response.substr(body + 4);
  };
  for (int byte = 1; byte < 256; ++byte) {
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), "%%%02X", static_cast<unsigned>(byte));
    if (byte == '\r' || byte == '\n') {
      // libwebsockets takes it for the end of the request line. Escaped twice it arrives escaped.
      EXPECT_EQ(path_of("%25" + std::string(escape.data() + 1)), "/a" + std::string(escape.data()) + "b||");
    } else {
      EXPECT_EQ(path_of(escape.data()), "/a" + std::string(1, static_cast<char>(byte)) + "b||");
    }
  }
  EXPECT_EQ(path_of("/%252F%252E%252E/"), "/a/%2F%2E%2E/b||");
}

TEST_F(WebServerTest, KeepsAnHttpConnectionForFurtherRequests) {
  TcpClient client(port_);
  for (int i = 0; i < 3; ++i) {
    client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_NE(client.read_until("hello").find("HTTP/1.1 200"), std::string::npos);
  }
}

TEST_F(WebServerTest, AnswersABodyOfNoBytesOnce) {
  TcpClient client(port_);
  for (int i = 0; i < 3; ++i) client.write("POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  client.write("GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string all = client.read_all();
  std::size_t responses = 0;
  for (std::size_t at = 0; (at = all.find("HTTP/1.1 404", at)) != std::string::npos; ++at) ++responses;
  EXPECT_EQ(responses, 4U) << all;
}

// The server's loop is otherwise idle: no other I/O may be needed for this.
TEST_F(WebServerTest, AClientThatAnswersNoPingIsTerminated) {
  WebSocketClient client(port_);
  const std::string all = client.tcp.read_all();
  EXPECT_TRUE(client.tcp.closed());
  EXPECT_NE(all.find("\x89"), std::string::npos);
  EXPECT_EQ(all.find("\x88"), std::string::npos) << "no close frame";
}

TEST_F(WebServerTest, AClientThatAnswersPingsStays) {
  WebSocketClient client(port_);
  for (int i = 0; i < 3; ++i) {
    client.tcp.read_until("\x89");
    const std::string length = client.tcp.read(1);
    ASSERT_EQ(length.size(), 1U) << i;
    client.send_frame(0x8a, client.tcp.read(static_cast<std::size_t>(length[0])));
  }
  EXPECT_FALSE(client.tcp.closed());
}

TEST_F(WebServerTest, SendsLargeResponsesWhole) {
  TcpClient client(port_);
  client.write("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string response = client.read_all();
  EXPECT_EQ(std::count(response.begin(), response.end(), 'z'), 300000);
}

TEST_F(WebServerTest, RefusesABodyOverTheLimit) {
  TcpClient client(port_);
  client.write("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'q'));
  EXPECT_TRUE(client.read_until("too large").starts_with("HTTP/1.1 413"));
}

TEST_F(WebServerTest, UpgradesAtAnyPathAndKeepsOrder) {
  WebSocketClient client(port_, "", "/any/path?token=1");
  EXPECT_NE(client.response.find("101 Switching"), std::string::npos);
  EXPECT_EQ(client.response.find("Sec-WebSocket-Protocol"), std::string::npos) << client.response;
  EXPECT_EQ(client.read_frame().payload, "open /any/path token=1 ");
  for (int i = 0; i < 200; ++i) client.send_text("message " + std::to_string(i));
  for (int i = 0; i < 200; ++i) {
    const auto frame = client.read_frame();
    EXPECT_EQ(frame.opcode, 1);
    EXPECT_EQ(frame.payload, "message " + std::to_string(i));
  }
}

TEST_F(WebServerTest, SelectsTheFirstSubprotocolOffered) {
  for (const std::string name : {"protoo", "whatever.v2", "webrtc-rooms"}) {
    WebSocketClient client(port_, "Sec-WebSocket-Protocol: " + name + ", second\r\n");
    EXPECT_NE(client.response.find("Sec-WebSocket-Protocol: " + name + "\r\n"), std::string::npos) << client.response;
    EXPECT_EQ(client.read_frame().payload, "open /  " + name);
  }
}

TEST_F(WebServerTest, DoesNotNegotiateCompression) {
  WebSocketClient client(port_, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_EQ(client.response.find("Sec-WebSocket-Extensions"), std::string::npos);
}

TEST_F(WebServerTest, ReassemblesFragmentsAndTakesBinary) {
  WebSocketClient client(port_);
  client.read_frame();
  client.send_frame(0x01, "one ");
  client.send_frame(0x89, "ping");  // a control frame between fragments
  client.send_frame(0x00, "two ");
  client.send_frame(0x80, "three");
  // A pong may go before or after messages.
  const std::array frames{client.read_frame(), client.read_frame()};
  const auto pong = std::find_if(frames.begin(), frames.end(), [](const auto& frame) { return frame.opcode == 0x0A; });
  const auto message = std::find_if(frames.begin(), frames.end(), [](const auto& frame) { return frame.opcode == 0x01; });
  ASSERT_TRUE(pong != frames.end() && message != frames.end());
  EXPECT_EQ(pong->payload, "ping");
  EXPECT_EQ(message->payload, "one two three");
  client.send_frame(0x82, "binary");
  EXPECT_EQ(client.read_frame().payload, "binary");
}

TEST_F(WebServerTest, ClosesWithTheFullQueueDeliveredAndTheReasonCut) {
  WebSocketClient client(port_);
  client.read_frame();
  client.send_text("close");
  EXPECT_EQ(client.read_frame().payload, "bye");
  const auto close = client.read_frame();
  EXPECT_EQ(close.opcode, 8);
  EXPECT_EQ(close.close_code(), 1008);
  EXPECT_EQ(close.payload.size(), 2U + 123U);
}

TEST_F(WebServerTest, BadFramesCloseOnlyTheirOwnConnection) {
  WebSocketClient bystander(port_);
  bystander.read_frame();
  const auto code_after = [&](int first_byte, const std::string& payload) {
    WebSocketClient client(port_);
    client.read_frame();
    client.send_frame(first_byte, payload);
    return client.read_frame().close_code();
  };
  EXPECT_EQ(code_after(0x81, "\xff\xfe"), 1007);                // not UTF-8
  EXPECT_EQ(code_after(0x81, std::string(100001, 'a')), 1009);  // above the limit
  EXPECT_EQ(code_after(0xF1, "x"), 1002);                       // reserved bits
  EXPECT_EQ(code_after(0x83, "x"), 1002);                       // reserved opcode
  EXPECT_EQ(code_after(0x80, "x"), 1002);                       // continuation of nothing
  bystander.send_text("still here");
  EXPECT_EQ(bystander.read_frame().payload, "still here");
}

TEST_F(WebServerTest, AMessageOfExactlyTheLimitIsTaken) {
  WebSocketClient client(port_);
  client.read_frame();
  const std::string message(100000, 'm');
  client.send_text(message);
  EXPECT_EQ(client.read_frame().payload, message);
}

TEST_F(WebServerTest, RefusesHttp2InEveryForm) {
  TcpClient upgrade(port_);
  upgrade.write(
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
      "AAMAAABkAAQAAP__\r\n\r\n");
  const std::string answer = upgrade.read_all();
  EXPECT_EQ(answer.find("101"), std::string::npos) << answer;
  TcpClient preface(port_);
  preface.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9));
  const std::string settings = preface.read_all();
  // An HTTP/2 server would begin with a SETTINGS frame: length, type 4.
  EXPECT_FALSE(settings.size() > 3 && settings[3] == '\4') << "speaks HTTP/2";
}

TEST_F(WebServerTest, RefusesOtherVersionsAndNonsense) {
  TcpClient client(port_);
  client.write(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
      "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_NE(answer.find(" 426 "), std::string::npos) << answer;
  TcpClient garbage(port_);
  garbage.write(std::string("\x16\x03\x01\x02\x00garbage\r\n\r\n", 16));
  garbage.read_all();
  TcpClient huge(port_);
  huge.write("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20000, 'h') + "\r\n\r\n");
  huge.read_all();
  WebSocketClient fine(port_);
  EXPECT_EQ(fine.read_frame().payload, "open /  ");
}

TEST(CloseReason, IsCutAtACharacterBoundary) {
  EXPECT_EQ(fit_close_reason("short"), "short");
  const std::string ascii(130, 'a');
  EXPECT_EQ(fit_close_reason(ascii).size(), 123U);
  std::string umlauts;
  for (int i = 0; i < 70; ++i) umlauts += "\xc3\xbc";
  EXPECT_EQ(fit_close_reason(umlauts).size(), 122U);
}

}  // namespace
}  // namespace sluice::loop
