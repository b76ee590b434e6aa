#include "control/sessions/session_token.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

constexpr std::string_view secret = "a secret";
const PeerId peer("6f1c0d3e-0000-4000-8000-000000000001");

TEST(SessionToken, has_the_contracts_form) {
  // Computed apart: printf '%s' '6f1c…01.lvefcg74' | openssl dgst -sha256 -hmac 'a secret' -binary | basenc --base64url
  const std::string token = make_session_token(secret, {peer, 1'714'000'000'000});
  const std::size_t last = token.rfind('.');
  EXPECT_EQ(token.substr(0, last), peer.value + ".lvefcg74");
  EXPECT_EQ(token.size() - last - 1, 43U);
  EXPECT_EQ(token.substr(last + 1).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  EXPECT_EQ(token.substr(last + 1), "uTJkw6HwcoJA5ucuwQJC8R8WwH8-2L-gamie9I257gA");
}

TEST(SessionToken, says_what_was_put_in) {
  const auto read = verify_session_token(secret, make_session_token(secret, {peer, 42}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->peer, peer);
  EXPECT_EQ(read->issued_at, 42);
  const auto dotted = verify_session_token(secret, make_session_token(secret, {PeerId("a.b"), 1}));
  ASSERT_TRUE(dotted);
  EXPECT_EQ(dotted->peer.value, "a.b");
}

TEST(SessionToken, is_refused_after_any_change) {
  const std::string token = make_session_token(secret, {peer, 1'714'000'000'000});
  EXPECT_FALSE(verify_session_token("another secret", token));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(verify_session_token(secret, changed)) << i;
    EXPECT_FALSE(verify_session_token(secret, token.substr(0, i))) << i;
  }
  EXPECT_FALSE(verify_session_token(secret, token + "A"));
  EXPECT_FALSE(verify_session_token(secret, token + "="));
}

TEST(SessionToken, nonsense_is_no_token) {
  for (const char* text : {"", ".", "..", "...", "a", "a.b", ".b.c", "a..c", "a.b."}) {
    EXPECT_FALSE(verify_session_token(secret, text)) << text;
  }
  EXPECT_FALSE(verify_session_token(secret, std::string(5000, '.')));
}

}  // namespace
}  // namespace sluice
