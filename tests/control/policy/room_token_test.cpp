#include "control/policy/room_token.hpp"

#include <gtest/gtest.h>

#include <string>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"

namespace sluice {
namespace {

constexpr std::int64_t now = 1'714'000'000;
const std::string secret = "0123456789abcdef0123456789abcdef";
const std::string header = R"({"alg":"HS256","typ":"JWT"})";

std::string token_of(const std::string& head, const std::string& claims, const std::string& key = secret) {
  const std::string part = base64url(as_bytes(head)) + "." + base64url(as_bytes(claims));
  return part + "." + base64url(hmac_sha256(key, part));
}
std::string reason_of(std::string_view token, std::int64_t at = now) {
  const auto claims = verify_room_token(token, secret, at);
  return claims ? "valid" : claims.error();
}
RoomTokenRequest request() {
  RoomTokenRequest wanted;
  wanted.room = "standup";
  wanted.subject = "alice";
  return wanted;
}

TEST(RoomToken, IsAJsonWebTokenWithTheContractsClaims) {
  RoomTokenRequest wanted = request();
  wanted.can_subscribe = false;
  wanted.metadata = Metadata{{"displayName", R"("Alice")"}, {"age", "7"}};
  wanted.expires_in = 60;
  wanted.not_before = now;
  EXPECT_EQ(
      issue_room_token(wanted, secret, now).value(),
      token_of(header, R"({"iss":"webrtc-rooms","sub":"alice","room":"standup","pub":true,"sub_media":false,)"
                       R"("meta":{"displayName":"Alice","age":7},"iat":1714000000,"nbf":1714000000,"exp":1714000060})"));
}

TEST(RoomToken, DefaultLifeIsADayAndZeroIsForEver) {
  const std::string day = issue_room_token(request(), secret, now).value();
  EXPECT_EQ(reason_of(day, now + 86399), "valid");
  EXPECT_EQ(reason_of(day, now + 86400), "Token expired");
  RoomTokenRequest wanted = request();
  wanted.expires_in = 0;
  EXPECT_EQ(reason_of(issue_room_token(wanted, secret, now).value(), now + 1'000'000'000), "valid");
}

TEST(RoomToken, WhatCannotBeIssued) {
  EXPECT_FALSE(issue_room_token(request(), "short", now));
  RoomTokenRequest wanted = request();
  wanted.room = "";
  EXPECT_FALSE(issue_room_token(wanted, secret, now));
  wanted = request();
  wanted.subject = "";
  EXPECT_FALSE(issue_room_token(wanted, secret, now));
  wanted = request();
  wanted.metadata = Metadata{{"nested", "{}"}};
  EXPECT_FALSE(issue_room_token(wanted, secret, now));
}

TEST(RoomToken, Durations) {
  EXPECT_EQ(parse_token_duration("30s"), 30);
  EXPECT_EQ(parse_token_duration("15m"), 900);
  EXPECT_EQ(parse_token_duration("1h"), 3600);
  EXPECT_EQ(parse_token_duration("7d"), 604800);
  EXPECT_EQ(parse_token_duration("90"), 90);
  for (const char* text : {"", "s", "1w", "-1s", "1.5h", "1h ", "99999999999999999999d"})
    EXPECT_FALSE(parse_token_duration(text)) << text;
}

TEST(RoomToken, AlgorithmsAreNotChosenByTheToken) {
  const std::string claims = R"({"iss":"webrtc-rooms"})";
  EXPECT_EQ(reason_of(token_of(header, claims)), "valid");
  EXPECT_EQ(reason_of(token_of(R"({"alg":"none"})", claims)), "Unsupported algorithm");
  EXPECT_EQ(reason_of(token_of(R"({"alg":"HS512"})", claims)), "Unsupported algorithm");
  EXPECT_EQ(reason_of(token_of(R"({"typ":"JWT"})", claims)), "Unsupported algorithm");
  EXPECT_EQ(reason_of(token_of("[]", claims)), "Unsupported algorithm");
  const std::string unsigned_token =
      base64url(as_bytes(std::string_view(R"({"alg":"none"})"))) + "." + base64url(as_bytes(claims)) + ".";
  EXPECT_EQ(reason_of(unsigned_token), "Invalid signature");
}

TEST(RoomToken, FormIssuerAndTimes) {
  for (const char* text : {"", "a", "a.b", "a.b.c.d"}) EXPECT_EQ(reason_of(text), "Malformed token") << text;
  EXPECT_EQ(reason_of("a.b.c"), "Invalid signature");
  EXPECT_EQ(reason_of(token_of(header, "{}", "other-secret")), "Invalid signature");
  EXPECT_EQ(reason_of(token_of(header, "nonsense")), "Malformed payload");
  EXPECT_EQ(reason_of(token_of(header, "{}")), "Invalid issuer");
  EXPECT_EQ(reason_of(token_of(header, R"({"iss":"other"})")), "Invalid issuer");
  const auto times = [](const std::string& more) { return token_of(header, R"({"iss":"webrtc-rooms",)" + more + "}"); };
  EXPECT_EQ(reason_of(times(R"("exp":1714000001)")), "valid");
  EXPECT_EQ(reason_of(times(R"("exp":1714000000)")), "Token expired") << "now >= exp";
  EXPECT_EQ(reason_of(times(R"("exp":"1714000001")")), "Malformed claims");
  EXPECT_EQ(reason_of(times(R"("nbf":1714000000)")), "valid");
  EXPECT_EQ(reason_of(times(R"("nbf":1714000001)")), "Token not yet valid") << "now < nbf";
  EXPECT_EQ(reason_of(times(R"("nbf":1714000000.5)")), "Token not yet valid");
  EXPECT_EQ(reason_of(times(R"("exp":null,"nbf":null)")), "valid");
}

TEST(RoomToken, MetadataIsFlatAndCannotClaimWhatIsTheServers) {
  const auto claims = verify_room_token(
      token_of(
          header,
          R"({"iss":"webrtc-rooms","sub":"s","room":"","pub":true,"meta":{"a":1,"b":{},"c":[1],"__role":"admin","__proto__":1}})"),
      secret, now);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->metadata, (Metadata{{"a", "1"}}));
  EXPECT_FALSE(claims->room) << "an empty room is none";
  EXPECT_EQ(claims->can_publish, true);
  EXPECT_FALSE(claims->can_subscribe);
}

TEST(RoomToken, ForgeriesAndDamageAreNoticed) {
  const std::string good = issue_room_token(request(), secret, now).value();
  ASSERT_EQ(reason_of(good), "valid");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(reason_of(bad), "valid") << i;
    EXPECT_NE(reason_of(good.substr(0, i)), "valid") << i;
  }
}

}  // namespace
}  // namespace sluice
