#include "control/config/dialects_config.hpp"

#include <gtest/gtest.h>

#include <string>

#include "control/config/sources.hpp"

namespace sluice::config {
namespace {

DialectsConfig read(const std::string& yaml) {
  std::vector<std::string> warnings;
  return read_dialects(read_document(yaml, "test", warnings));
}

std::string error_of(const std::string& yaml) {
  try {
    (void)read(yaml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(DialectsConfig, HasDefaults) {
  const DialectsConfig config = read("{}");
  EXPECT_EQ(config.bridge, (std::vector<std::vector<std::string>>{{"native", "whip"}}));
  EXPECT_TRUE(config.protoo.enabled);
  EXPECT_FALSE(config.protoo.port);
  EXPECT_FALSE(config.protoo.replace_duplicates);
  EXPECT_EQ(config.party_rooms.parties, std::vector<std::string>{"main"});
  EXPECT_TRUE(config.party_rooms.turn.urls.empty());
}

TEST(DialectsConfig, ReadsWhatIsSet) {
  const DialectsConfig config = read(R"(
dialects:
  bridge: [[native, protoo], [rtcio, wrtcSignal]]
  protoo: { enabled: false, port: 4443, duplicatePeer: replace, allowedOrigins: [https://a, https://b], token: t, maxMessageSize: 2000000 }
  partyRooms: { port: 0, parties: [main, lobby], turnUrls: "turn:t.example", turnSecret: [new, old], turnTtl: 600, turnRequestsPerMinute: 0, turnToken: x, turnOrigins: https://a })");
  EXPECT_EQ(config.bridge, (std::vector<std::vector<std::string>>{{"native", "protoo"}, {"rtcio", "wrtcSignal"}}));
  EXPECT_FALSE(config.protoo.enabled);
  EXPECT_EQ(config.protoo.port, 4443);
  EXPECT_TRUE(config.protoo.replace_duplicates);
  EXPECT_EQ(config.protoo.allowed_origins, (std::vector<std::string>{"https://a", "https://b"}));
  EXPECT_EQ(config.protoo.token, "t");
  EXPECT_EQ(config.protoo.max_message_bytes, 2000000U);
  EXPECT_EQ(config.party_rooms.port, 0);
  EXPECT_EQ(config.party_rooms.parties, (std::vector<std::string>{"main", "lobby"}));
  EXPECT_EQ(config.party_rooms.turn.urls, std::vector<std::string>{"turn:t.example"});
  EXPECT_EQ(config.party_rooms.turn.secrets, (std::vector<std::string>{"new", "old"}));
  EXPECT_EQ(config.party_rooms.turn.ttl, std::chrono::seconds(600));
  EXPECT_EQ(config.party_rooms.turn_requests_per_minute, 0U);
  EXPECT_EQ(config.party_rooms.turn_token, "x");
  EXPECT_EQ(config.party_rooms.turn_origins, std::vector<std::string>{"https://a"});
}

TEST(DialectsConfig, PartyRoomsUseTheTurnServerOfSignaling) {
  const DialectsConfig config =
      read("{ signaling: { turn: { urls: turn:u, secret: s, ttl: 90 } }, dialects: { partyRooms: { turnTtl: 70 } } }");
  EXPECT_EQ(config.party_rooms.turn.urls, std::vector<std::string>{"turn:u"});
  EXPECT_EQ(config.party_rooms.turn.secrets, std::vector<std::string>{"s"});
  EXPECT_EQ(config.party_rooms.turn.ttl, std::chrono::seconds(70));
}

TEST(DialectsConfig, RefusesWhatMakesNoSense) {
  EXPECT_NE(error_of("dialects: { bridge: [[native, whap]] }").find("names 'whap', no dialect"), std::string::npos);
  EXPECT_NE(error_of("dialects: { bridge: [[native, whip], [whip]] }").find("names 'whip' twice"), std::string::npos);
  EXPECT_NE(error_of("dialects: { bridge: [native] }").find("no list"), std::string::npos);
  EXPECT_NE(error_of("dialects: { bridge: native }").find("no list"), std::string::npos);
  EXPECT_NE(error_of("dialects: { partyRooms: { turnSecret: s } }").find("'dialects.partyRooms.turnUrls' is missing"),
            std::string::npos);
  EXPECT_NE(error_of("dialects: { partyRooms: { turnUrls: http://x, turnSecret: s } }").find("no URL of a TURN server"),
            std::string::npos);
  EXPECT_NE(error_of("dialects: { partyRooms: { turnUrls: turn:x, turnSecret: [a, ''] } }").find("empty entry"),
            std::string::npos);
  EXPECT_NE(error_of("dialects: { partyRooms: { parties: [] } }").find("is empty"), std::string::npos);
  EXPECT_NE(error_of("dialects: { protoo: { duplicatePeer: both } }"), "");
}

}  // namespace
}  // namespace sluice::config
