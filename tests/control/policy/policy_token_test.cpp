#include "control/policy/policy_token.hpp"

#include <gtest/gtest.h>

#include <string>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"

namespace sluice {
namespace {

constexpr std::int64_t now = 1'714'000'000'000;
const std::string secret = "policy-secret";

CapabilitySet set_of(std::initializer_list<Capability> capabilities) {
  CapabilitySet set;
  for (const Capability capability : capabilities) set.add(capability);
  return set;
}
PolicyTokenOptions options() {
  return {secret, "webrtc-rooms", set_of({Capability::subscribe, Capability::data})};
}
PolicyRequest request() {
  PolicyRequest wanted;
  wanted.subject = "user-1";
  return wanted;
}
std::string signed_token(const std::string& json, const std::string& key = secret) {
  const std::string body = base64url(as_bytes(json));
  return body + "." + base64url(hmac_sha256(key, body));
}
std::string reason_of(std::string_view token, std::int64_t at = now) {
  const auto policy = verify_policy_token(token, secret, at);
  return policy ? "valid" : policy.error();
}

TEST(PolicyToken, IsBodyAndSignatureInTheContractsFormat) {
  PolicyRequest wanted = request();
  wanted.room = "standup";
  wanted.role = "host";
  wanted.capabilities = {"publish", "subscribe", "kick"};
  wanted.region = "eu";
  wanted.max_peers = 5;
  wanted.expires_in = 1000;
  const std::string token = issue_policy_token(wanted, options(), now).value();
  const std::string expected =
      R"({"iss":"webrtc-rooms","sub":"user-1","roomId":"standup","role":"host","caps":["publish","subscribe","kick"],)"
      R"("expiresAt":1714000001000,"region":"eu","maxPeers":5})";
  EXPECT_EQ(token, signed_token(expected));
  EXPECT_EQ(token.find('='), std::string::npos);
  const auto policy = verify_policy_token(token, secret, now);
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_EQ(policy->subject, "user-1");
  EXPECT_EQ(policy->room, "standup");
  EXPECT_EQ(policy->role, "host");
  EXPECT_EQ(policy->region, "eu");
  EXPECT_EQ(policy->max_peers, 5U);
  EXPECT_EQ(policy->capabilities, set_of({Capability::publish, Capability::subscribe, Capability::kick}));
}

TEST(PolicyToken, DefaultsOfIssuing) {
  const auto policy = verify_policy_token(issue_policy_token(request(), options(), now).value(), secret, now);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->room, "*");
  EXPECT_EQ(policy->role, "viewer");
  EXPECT_EQ(policy->expires_at, now + 3'600'000);
  EXPECT_EQ(policy->capabilities, set_of({Capability::subscribe, Capability::data}));
  EXPECT_FALSE(policy->region);
  EXPECT_FALSE(policy->max_peers);
}

TEST(PolicyToken, AdminIsWrittenAsAllAndHonouredAlone) {
  PolicyRequest wanted = request();
  wanted.capabilities = {"admin"};
  const auto policy = verify_policy_token(issue_policy_token(wanted, options(), now).value(), secret, now);
  ASSERT_TRUE(policy);
  for (const Capability capability : all_capabilities) EXPECT_TRUE(policy->capabilities.lists(capability));
  const auto alone =
      verify_policy_token(signed_token(R"({"sub":"a","roomId":"*","caps":["admin"],"expiresAt":1e15})"), secret, now);
  ASSERT_TRUE(alone);
  EXPECT_FALSE(alone->capabilities.lists(Capability::kick));
  EXPECT_TRUE(alone->capabilities.allows(Capability::kick));
}

TEST(PolicyToken, WhatCannotBeIssued) {
  const auto refused = [](PolicyRequest wanted) { return !issue_policy_token(wanted, options(), now); };
  PolicyRequest wanted;
  EXPECT_TRUE(refused(wanted)) << "no subject";
  wanted = request();
  wanted.capabilities = {"publish", "fly"};
  EXPECT_TRUE(refused(wanted)) << "unknown capability";
  wanted = request();
  wanted.expires_in = 0;
  EXPECT_TRUE(refused(wanted));
  wanted = request();
  wanted.max_peers = 0;
  EXPECT_TRUE(refused(wanted));
  wanted = request();
  wanted.room = "";
  EXPECT_TRUE(refused(wanted));
}

TEST(PolicyToken, ReasonsOfTheContract) {
  EXPECT_EQ(reason_of("nodothere"), "Malformed token");
  EXPECT_EQ(reason_of(""), "Malformed token");
  EXPECT_EQ(reason_of("."), "Invalid signature");
  EXPECT_EQ(reason_of(signed_token("{}", "other")), "Invalid signature");
  EXPECT_EQ(reason_of(signed_token("not json")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token("[]")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token("null")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token(R"({"roomId":"*","expiresAt":1714000000000})"), now), "valid");
  EXPECT_EQ(reason_of(signed_token(R"({"roomId":"*","expiresAt":1714000000000})"), now + 1), "Token expired");
}

TEST(PolicyToken, WithoutANumericExpiryItIsInvalid) {
  for (const char* json :
       {R"({"roomId":"*"})", R"({"roomId":"*","expiresAt":null})", R"({"roomId":"*","expiresAt":"9999999999999"})",
        R"({"roomId":"*","expiresAt":true})", R"({"roomId":"*","expiresAt":{}})"}) {
    EXPECT_EQ(reason_of(signed_token(json)), "Malformed payload") << json;
  }
  EXPECT_EQ(reason_of(signed_token(R"({"roomId":"*","expiresAt":1.7140000005e12})")), "valid");
  EXPECT_EQ(reason_of(signed_token(R"({"roomId":"*","expiresAt":-1e300})")), "Token expired");
}

TEST(PolicyToken, ForgeriesAndDamageAreNoticed) {
  const std::string good = issue_policy_token(request(), options(), now).value();
  ASSERT_EQ(reason_of(good), "valid");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(reason_of(bad), "valid") << i;
    EXPECT_NE(reason_of(good.substr(0, i)), "valid") << i;
  }
  const std::size_t dot = good.rfind('.');
  EXPECT_NE(reason_of(good + "="), "valid");
  EXPECT_NE(reason_of(good.substr(0, dot) + "=" + good.substr(dot)), "valid");
  EXPECT_NE(reason_of("x." + good), "valid") << "the last dot counts";
  EXPECT_NE(reason_of(good.substr(0, dot + 1)), "valid") << "no signature";
  EXPECT_NE(reason_of(good.substr(0, dot) + "." + hex(hmac_sha256(secret, good.substr(0, dot)))), "valid");
}

TEST(PolicyToken, HostilePayloadsOfASecretHolderDoNoHarm) {
  EXPECT_EQ(reason_of(signed_token(R"({"roomId":5,"expiresAt":9e15})")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token(R"({"sub":{},"expiresAt":9e15})")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token(R"({"caps":"publish","expiresAt":9e15})")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token(R"({"maxPeers":-1,"expiresAt":9e15})")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token(R"({"maxPeers":"5","expiresAt":9e15})")), "Malformed payload");
  EXPECT_EQ(reason_of(signed_token(R"({"sub":"a","sub":"b","expiresAt":9e15})")), "Malformed payload") << "a key twice";
  const auto policy = verify_policy_token(
      signed_token(R"({"roomId":"r","caps":["fly",5,null,"data"],"__proto__":{"caps":["admin"]},"expiresAt":9e15})"), secret,
      now);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->capabilities, set_of({Capability::data}));
}

}  // namespace
}  // namespace sluice
