// Contract partyroom, sections 2, 5 and 8.
#include "control/signaling/partyrooms/party_http.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

PartyOptions with_turn() {
  PartyOptions options;
  options.turn = {{"stun:t.example:3478", "turn:t.example:3478?transport=udp"}, {"ts"}, 600s};
  return options;
}

struct PartyHttpTest : ::testing::Test {
  test::SeededEntropy entropy;
  PartyHttp http{with_turn(), entropy};
  TimePoint now = TimePoint{} + 1h;

  PartyHttpReply ask(const std::string& method, const std::string& path, const std::string& query = "",
                     const std::string& origin = "", const std::string& ip = "192.0.2.1") {
    return ask(http, method, path, query, origin, ip);
  }
  PartyHttpReply ask(PartyHttp& of, const std::string& method, const std::string& path, const std::string& query = "",
                     const std::string& origin = "", const std::string& ip = "192.0.2.1") {
    PartyHttpReply reply = of.handle({method, path, query, origin, ip}, now, 1'700'000'000);
    EXPECT_EQ(header(reply, "access-control-allow-origin"), "*") << method << path;
    EXPECT_EQ(header(reply, "access-control-allow-methods"), "GET,POST,OPTIONS");
    EXPECT_EQ(header(reply, "access-control-allow-headers"), "Content-Type");
    return reply;
  }
  static std::string header(const PartyHttpReply& reply, const std::string& name) {
    const auto found =
        std::find_if(reply.headers.begin(), reply.headers.end(), [&](const auto& entry) { return entry.first == name; });
    return found == reply.headers.end() ? "" : found->second;
  }
};

TEST_F(PartyHttpTest, says_a_word_to_those_who_look) {
  const auto get = ask("GET", "/parties/main/r");
  EXPECT_EQ(get.status, 200);
  EXPECT_EQ(get.body, "WebRTC Signaling Server");
  const auto head = ask("HEAD", "/party/r");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(ask("OPTIONS", "/parties/main/r/turn").status, 204);
}

TEST_F(PartyHttpTest, refuses_with_the_same_headers) {
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "BREW"}) {
    const auto reply = ask(method, "/parties/main/r/turn");
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.body, "");
  }
  EXPECT_EQ(ask("GET", "/parties/other/x").body, "Party other not found");
  EXPECT_EQ(ask("GET", "/parties/other/x").status, 404);
  EXPECT_EQ(ask("GET", "/parties/main").status, 404);
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/party/" + std::string(257, 'x')).status, 400);
  EXPECT_EQ(ask("GET", "/party/r", "_pk=" + std::string(257, 'x')).status, 400);
}

TEST_F(PartyHttpTest, gives_credentials_that_coturn_takes) {
  const auto reply = ask("GET", "/parties/main/r/turn");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header(reply, "cache-control"), "no-store");
  const Json servers = Json::parse(reply.body);
  ASSERT_EQ(servers["iceServers"].size(), 1U);
  const Json& server = servers["iceServers"][0];
  EXPECT_EQ(server.size(), 3U);
  EXPECT_EQ(server["urls"], (Json{"stun:t.example:3478", "turn:t.example:3478?transport=udp"}));
  const std::string username = server["username"];
  EXPECT_EQ(username.substr(0, 11), "1700000600:");
  EXPECT_EQ(username.find(':', 11), std::string::npos);
  EXPECT_TRUE(
      TurnCredentials(with_turn().turn).verify(username, server["credential"].get<std::string>(), 1'700'000'000).valid);
  // Each client gets a name of its own.
  EXPECT_NE(Json::parse(ask("GET", "/party/r/turn").body)["iceServers"][0]["username"], username);
}

TEST_F(PartyHttpTest, gives_an_empty_list_without_configuration) {
  PartyHttp bare({}, entropy);
  const auto reply = ask(bare, "GET", "/parties/main/r/turn");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"iceServers":[]})");
}

TEST_F(PartyHttpTest, limits_an_address_to_so_many_credentials_a_minute) {
  for (int i = 0; i < 120; ++i) EXPECT_EQ(ask("GET", "/party/r/turn").status, 200);
  EXPECT_EQ(ask("GET", "/party/r/turn").status, 429);
  EXPECT_EQ(ask("GET", "/party/r").status, 200);
  EXPECT_EQ(ask("GET", "/party/r/turn", "", "", "192.0.2.2").status, 200);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(ask("GET", "/party/r/turn", "", "", "127.0.0.1").status, 200);
  now += 1min;
  EXPECT_EQ(ask("GET", "/party/r/turn").status, 200);
}

TEST_F(PartyHttpTest, may_ask_for_a_token_or_an_origin) {
  PartyOptions options = with_turn();
  options.turn_token = "t0ken";
  options.turn_origins = {"https://good.example"};
  PartyHttp guarded(options, entropy);
  const std::string good = "https://good.example";
  EXPECT_EQ(ask(guarded, "GET", "/party/r/turn", "token=t0ken", good).status, 200);
  EXPECT_EQ(ask(guarded, "GET", "/party/r/turn", "token=t0keN", good).status, 403);
  EXPECT_EQ(ask(guarded, "GET", "/party/r/turn", "", good).status, 403);
  EXPECT_EQ(ask(guarded, "GET", "/party/r/turn", "token=t0ken", "https://evil.example").status, 403);
}

}  // namespace
}  // namespace sluice
