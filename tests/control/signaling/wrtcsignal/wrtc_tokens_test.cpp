#include "control/signaling/wrtcsignal/wrtc_tokens.hpp"

#include <gtest/gtest.h>

#include "control/signaling/wrtcsignal/app_endpoint.hpp"

namespace sluice {
namespace {

constexpr std::string_view demo_token =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhcHAiOiJkZW1vIn0=."
    "70f75eb4c1600a9eb9e79daabf4e116bb60d4abff23d17dedc3ed97d17c7edf5";

TEST(WrtcTokens, TheContractsExampleIsMadeAndTaken) {
  const WrtcTokens tokens("s3cr3t-key");
  EXPECT_EQ(tokens.app_token("demo"), demo_token);
  const auto claims = tokens.verified(demo_token);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->app, "demo");
  EXPECT_FALSE(claims->socket);
}

TEST(WrtcTokens, ASessionTokenIsForOneSocketAndATime) {
  const WrtcTokens tokens("s3cr3t-key");
  const std::string token = tokens.session_token("demo", 1000, "socket-1");
  EXPECT_TRUE(tokens.is_session(token, "socket-1", 999));
  EXPECT_FALSE(tokens.is_session(token, "socket-1", 1000));
  EXPECT_FALSE(tokens.is_session(token, "socket-2", 999));
  EXPECT_FALSE(tokens.is_session(demo_token, "socket-1", 0));
  EXPECT_TRUE(tokens.verified(token));  // passes as an app token, whatever its expiry
  EXPECT_FALSE(WrtcTokens("other").is_session(token, "socket-1", 999));
}

TEST(WrtcTokens, WhatIsNotExactlyOursIsInvalid) {
  const WrtcTokens tokens("s3cr3t-key");
  for (std::size_t i = 0; i < demo_token.size(); ++i) {
    std::string changed(demo_token);
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(tokens.verified(changed)) << i;
    EXPECT_FALSE(tokens.verified(demo_token.substr(0, i))) << i;
  }
  for (const char* token : {"", ".", "..", "a.b.c", "a.b", "a.b.c.d"}) EXPECT_FALSE(tokens.verified(token)) << token;
  EXPECT_FALSE(tokens.verified(std::string(demo_token) + ".x"));
  EXPECT_FALSE(tokens.verified(tokens.app_token("")));
}

// --- section 2: POST /app
// --------------------------------------------------------------------------------------------------

TEST(WrtcAppEndpoint, EveryRowOfTheTableInItsOrder) {
  const WrtcTokens tokens("s3cr3t-key");
  const WrtcAppEndpoint endpoint(tokens, "pass word");
  constexpr std::string_view json = "application/json";
  constexpr std::string_view form = "application/x-www-form-urlencoded";
  const std::string good = R"({"status":200,"error":null,"response":{"token":")" + std::string(demo_token) + R"("}})";
  const std::string unauthorized = R"({"status":401,"error":"Unauthorized","response":false})";
  const std::string no_app = R"({"status":400,"error":"Required properties (app) is undefined","response":false})";
  const std::string too_large = R"({"status":413,"error":"request entity too large","response":false})";
  struct Row {
    std::string_view type;
    std::string body;
    int status;
    std::string answer;
  };
  const Row rows[] = {
      {json, R"({"app":"demo","password":"pass word"})", 200, good},
      {"Application/JSON; charset=utf-8", R"({"password":"pass word","app":"demo","x":[1]})", 200, good},
      {form, "app=demo&password=pass+word", 200, good},
      {form, "app=%64emo&password=pass%20word", 200, good},
      {"application/x-www-form-urlencoded; charset=UTF-8", "password=pass%20word&app=demo&app=other", 200, good},
      {json, R"({"app":"demo","password":"wrong"})", 401, unauthorized},
      {json, R"({"app":"demo"})", 401, unauthorized},
      {json, R"({"app":"demo","password":5})", 401, unauthorized},
      {json, "", 401, unauthorized},
      {json, "[]", 401, unauthorized},
      {form, "app=demo", 401, unauthorized},
      {"", R"({"app":"demo","password":"pass word"})", 401, unauthorized},
      {"text/plain", "app=demo&password=pass+word", 401, unauthorized},
      {json, R"({"password":"pass word"})", 400, no_app},
      {json, R"({"app":"","password":"pass word"})", 400, no_app},
      {json, R"({"app":{"a":1},"password":"pass word"})", 400, no_app},
      {form, "app=&password=pass+word", 400, no_app},
      {form, std::string(102401, 'a'), 413, too_large},
      {json, "\"" + std::string(102400, 'a') + "\"", 413, too_large},
  };
  for (const Row& row : rows) {
    const auto answer = endpoint.post(row.type, row.body);
    EXPECT_EQ(answer.status, row.status) << row.body.substr(0, 60);
    EXPECT_EQ(answer.json, row.answer) << row.body.substr(0, 60);
  }
  for (const char* broken : {"{", "{]", "5", "\"text\"", "null", "{\"app\":\"\xff\"}"}) {
    const auto answer = endpoint.post(json, broken);
    EXPECT_EQ(answer.status, 400) << broken;
    EXPECT_TRUE(answer.json.starts_with(R"({"status":400,"error":")")) << answer.json;
    EXPECT_TRUE(answer.json.ends_with(R"(","response":false})"));
  }
  EXPECT_EQ(endpoint.post(form, "app=%ff&password=pass+word").status, 400);
}

}  // namespace
}  // namespace sluice
