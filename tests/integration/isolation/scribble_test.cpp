// A worker that writes nonsense into everything that it may write, beside the real control, handshaker and another worker.
// SLUICE_SCRIBBLE_SECONDS says how long; 5 without it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "test_paths.hpp"
#include "tests/integration/isolation/server_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/tcp_client.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::chrono::seconds duration() {
  const char* const text = std::getenv("SLUICE_SCRIBBLE_SECONDS");
  return std::chrono::seconds(text == nullptr ? 5 : std::stoi(text));
}

std::string metrics(std::uint16_t port) {
  TcpClient client(port);
  client.write("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  return client.read_all();
}

/// The value of a sample; nothing when it is not there.
std::optional<double> sample(const std::string& text, const std::string& name) {
  const std::size_t at = text.find("\n" + name + " ");
  if (at == std::string::npos) return std::nullopt;
  return std::stod(text.substr(at + name.size() + 2));
}

/// Reads frames until one holds `part`. Everything that came instead, if none does; else nothing.
std::string missing(WebSocketClient& client, const std::string& part) {
  std::string seen = client.response;
  for (int i = 0; i < 64; ++i) {
    const WebSocketClient::Frame frame = client.read_frame();
    seen += "\nopcode " + std::to_string(frame.opcode) + " " + frame.payload;
    if (frame.opcode == 9) continue;  // a ping, after half a minute
    if (frame.opcode != 1) break;
    if (frame.payload.find(part) != std::string::npos) return {};
  }
  return "no " + part + ", but:\n" + seen;
}

std::string browser_offer() {
  std::ifstream file(SLUICE_TEST_DATA "/sdp/chromium_publish.sdp", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Joins a room of its own, publishes and negotiates, which places the room on one of the workers.
void join_and_publish(std::uint16_t port, int number) {
  WebSocketClient client(port);
  client.send_text(R"({"type":"join","roomId":"room-)" + std::to_string(number) + R"("})");
  ASSERT_EQ(missing(client, "room:joined"), "") << "join " << number << ", connected: " << client.tcp.connected();
  client.send_text(R"({"type":"data","target":"__sfu__","payload":{"__sfu":"publish","kind":"audio","mid":"0"}})");
  const nlohmann::json offer{{"type", "offer"}, {"target", "__sfu__"}, {"sdp", browser_offer()}};
  client.send_text(offer.dump());
  EXPECT_EQ(missing(client, R"("answer")"), "") << "offer " << number;
  client.send_text(R"({"type":"leave"})");
}

TEST(HostileWorker, HarmsNeitherControlNorHandshakerNorAnotherWorker) {
  const std::uint16_t signaling = free_tcp_port();
  const std::uint16_t admin = free_tcp_port();
  const nlohmann::json config{{"signaling", {{"host", "127.0.0.1"}, {"port", signaling}}}, {"adminApi", {{"port", admin}}}};
  ServerProcess server({SLUICE_BIN_DIR "/isolated_server_program", SLUICE_BIN_DIR "/scribbler_program", "2",
                        std::to_string(free_ports()), "enforce", config.dump()});
  ASSERT_TRUE(server.wait_for("scribbling filter=")) << server.output();
  ASSERT_TRUE(server.wait_for("process=worker-1 message=\"ready\"")) << server.output();
  ASSERT_TRUE(server.wait_for("process=handshaker message=\"ready\"")) << server.output();
  ASSERT_TRUE(server.wait_for("process=control message=\"confined\"")) << server.output();

  const auto end = Clock::now() + duration();
  double ticks = 0;
  auto ticked = Clock::now();
  Clock::duration slowest{};
  int rounds = 0;
  while (Clock::now() < end && !testing::Test::HasFailure()) {
    const auto before = Clock::now();
    const std::string text = metrics(admin);
    ASSERT_TRUE(text.starts_with("HTTP/1.1 200")) << "after " << rounds << " rounds\n" << server.output();
    join_and_publish(signaling, rounds++);
    slowest = std::max(slowest, Clock::now() - before);
    const std::optional<double> now = sample(text, R"(sluice_worker_ticks_total{worker="1"})");
    ASSERT_TRUE(now) << text;
    if (*now > ticks) ticked = Clock::now();
    ticks = *now;
    EXPECT_LT(Clock::now() - ticked, 5s) << "the other worker stands still";
    std::this_thread::sleep_for(20ms);
  }
  if (testing::Test::HasFailure()) std::printf("%s\n", server.output().c_str());
  EXPECT_GT(rounds, 3);
  EXPECT_LT(slowest, 5s);
  std::printf("%d rounds, the slowest took %lld ms\n", rounds,
              static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(slowest).count()));
  EXPECT_EQ(server.stop(), 0);
  const std::string output = server.output();
  for (const char* child : {"control", "handshaker", "worker-1"}) {
    for (const char* what : {"died, starting it again", "hangs, killing it"}) {
      EXPECT_EQ(output.find("message=\"" + std::string(what) + "\" child=" + child), std::string::npos) << output;
    }
  }
  EXPECT_EQ(output.find("ERROR: AddressSanitizer"), std::string::npos) << output;
  EXPECT_EQ(output.find("runtime error:"), std::string::npos) << output;
}

}  // namespace
}  // namespace sluice::test
