#include "control/policy/turn/turn_credentials.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Verdict = TurnCredentials::Verdict;

TurnOptions options(std::vector<std::string> secrets = {"ts"}) {
  return {{"turn:turn.example.org:3478?transport=udp", "turns:turn.example.org"}, std::move(secrets), 86400s};
}

// The test vector of contract partyroom, section 5; `openssl dgst -sha1 -hmac ts -binary | base64` gives the same.
TEST(TurnCredentials, are_what_coturn_computes) {
  const auto credential = TurnCredentials(options()).issue("r1", 1'700'000'000 - 86400);
  EXPECT_EQ(credential.username, "1700000000:r1");
  EXPECT_EQ(credential.credential, "fzYvmXkgKVFgTwnReG6fRu/fKrg=");
}

TEST(TurnCredentials, are_valid_until_their_time_is_over) {
  const TurnCredentials turn(options());
  const auto [username, credential] = turn.issue("room:with:colons", 1000);
  EXPECT_EQ(turn.verify(username, credential, 1000), (Verdict{true, false, "room:with:colons"}));
  EXPECT_EQ(turn.verify(username, credential, 1000 + 86399), (Verdict{true, false, "room:with:colons"}));
  EXPECT_EQ(turn.verify(username, credential, 1000 + 86400), (Verdict{false, true, "room:with:colons"}));
}

TEST(TurnCredentials, are_refused_when_anything_of_them_differs) {
  const TurnCredentials turn(options());
  const auto [username, credential] = turn.issue("peer", 1000);
  for (std::size_t i = 0; i < credential.size(); ++i) {
    std::string other = credential;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(turn.verify(username, other, 1000), Verdict{}) << i;
    EXPECT_EQ(turn.verify(username, credential.substr(0, i), 1000), Verdict{}) << i;
  }
  for (std::size_t i = 0; i < username.size(); ++i) {
    std::string other = username;
    other[i] = other[i] == '9' ? '8' : '9';
    EXPECT_EQ(turn.verify(other, credential, 1000), Verdict{}) << i;
  }
  EXPECT_EQ(turn.verify("", "", 1000), Verdict{});
  EXPECT_EQ(turn.verify(username, credential + "=", 1000), Verdict{});
}

/// As any program that knows the secret would sign, on lines of its own.
std::string signed_by(const std::string& secret, const std::string& username) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(username.data()),
       username.size(), mac, &size);
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  return {reinterpret_cast<char*>(text), static_cast<std::size_t>(EVP_EncodeBlock(text, mac, static_cast<int>(size)))};
}

TEST(TurnCredentials, need_an_expiry_that_is_a_number) {
  const TurnCredentials turn(options());
  EXPECT_TRUE(turn.verify("12:peer", signed_by("ts", "12:peer"), 0).valid);
  for (const std::string username : {"peer", ":peer", "12x:peer", " 12:peer", "0x12:peer", "99999999999999999999:peer"})
    EXPECT_EQ(turn.verify(username, signed_by("ts", username), 0), Verdict{}) << username;
}

TEST(TurnCredentials, of_an_earlier_secret_are_accepted_while_it_is_configured) {
  const auto old = TurnCredentials(options({"old"})).issue("p", 0);
  EXPECT_TRUE(TurnCredentials(options({"new", "old"})).verify(old.username, old.credential, 5).valid);
  EXPECT_FALSE(TurnCredentials(options({"new"})).verify(old.username, old.credential, 5).valid);
  const auto fresh = TurnCredentials(options({"new", "old"})).issue("p", 0);
  EXPECT_TRUE(TurnCredentials(options({"new"})).verify(fresh.username, fresh.credential, 5).valid);
}

TEST(TurnCredentials, are_told_as_one_ice_server) {
  const TurnCredentials turn(options());
  const std::string common =
      R"([{"urls":["turn:turn.example.org:3478?transport=udp","turns:turn.example.org"],"username":"1700000000:r1",)"
      R"("credential":"fzYvmXkgKVFgTwnReG6fRu/fKrg=")";
  EXPECT_EQ(turn.ice_servers("r1", 1'700'000'000 - 86400, TurnCredentials::WithTtl::no), common + "}]");
  EXPECT_EQ(turn.ice_servers("r1", 1'700'000'000 - 86400, TurnCredentials::WithTtl::yes), common + R"(,"ttl":86400}])");
}

TEST(TurnCredentials, cannot_be_without_a_server_or_secret) {
  EXPECT_FALSE(TurnOptions{}.usable());
  EXPECT_FALSE((TurnOptions{{"turn:x"}, {}, 1s}).usable());
  EXPECT_FALSE((TurnOptions{{}, {"s"}, 1s}).usable());
  EXPECT_THROW(TurnCredentials({}), std::invalid_argument);
}

}  // namespace
}  // namespace sluice
