#include "control/cli/token_command.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/policy/policy_token.hpp"
#include "control/policy/room_token.hpp"
#include "control/policy/turn/turn_credentials.hpp"

namespace sluice::cli {
namespace {

const std::string secret = "of-this-test-only-0123456789abcdef";

/// What the command prints; empty when it refused.
std::string printed(std::vector<std::string> words) {
  words.insert(words.end(), {"--secret", secret});
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int status = token(words);
  (void)::testing::internal::GetCapturedStderr();
  std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(status == 0, !text.empty());
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

TEST(Token, MakesPolicyTokensThatTheServerTakes) {
  const std::int64_t now = std::int64_t{std::time(nullptr)} * 1000;
  const auto policy = verify_policy_token(printed({"policy", "--sub=alice", "--room", "r", "--role=host",
                                                   "--caps=publish,data", "--expires=15m", "--max-peers=3"}),
                                          secret, now);
  ASSERT_TRUE(policy) << policy.error();
  EXPECT_EQ(policy->subject, "alice");
  EXPECT_EQ(policy->room, "r");
  EXPECT_EQ(policy->role, "host");
  EXPECT_TRUE(policy->capabilities.allows(Capability::publish));
  EXPECT_FALSE(policy->capabilities.allows(Capability::subscribe));
  EXPECT_EQ(policy->max_peers, 3U);
  EXPECT_NEAR(static_cast<double>(policy->expires_at), static_cast<double>(now + 900'000), 5000);
  EXPECT_EQ(printed({"policy"}), "") << "whose?";
  EXPECT_EQ(printed({"policy", "--sub=a", "--caps=fly"}), "");
  EXPECT_EQ(printed({"policy", "--sub=a", "--expires=0"}), "");
}

TEST(Token, MakesRoomTokensThatTheServerTakes) {
  const auto claims = verify_room_token(
      printed({"room", "--sub=bob", "--room=r", "--no-publish", R"(--meta={"name":"Bob"})", "--expires=0"}), secret,
      std::time(nullptr));
  ASSERT_TRUE(claims) << claims.error();
  EXPECT_EQ(claims->subject, "bob");
  EXPECT_EQ(claims->can_publish, false);
  EXPECT_EQ(claims->can_subscribe, true);
  ASSERT_NE(claims->metadata.find("name"), nullptr);
  EXPECT_EQ(*claims->metadata.find("name"), "\"Bob\"");
  EXPECT_EQ(printed({"room", "--sub=bob"}), "");
  EXPECT_EQ(printed({"room", "--sub=bob", "--room=r", "--meta=[]"}), "");
}

TEST(Token, MakesTurnCredentials) {
  const nlohmann::json server = nlohmann::json::parse(printed({"turn", "--urls=turn:a:3478,turns:a:443", "--user=u:1"}));
  EXPECT_EQ(server["urls"].size(), 2U);
  const TurnCredentials credentials({{"turn:a:3478"}, {secret}, std::chrono::seconds(1)});
  const auto verdict =
      credentials.verify(server["username"].get<std::string>(), server["credential"].get<std::string>(), std::time(nullptr));
  EXPECT_TRUE(verdict.valid);
  EXPECT_EQ(verdict.user, "u:1");
  EXPECT_EQ(printed({"turn"}), "");
}

TEST(Token, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(printed({"key"}), "");
  EXPECT_EQ(printed({}), "");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(token(std::vector<std::string>{"policy", "--sub=a"}), 2) << "no secret";
  (void)::testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace sluice::cli
