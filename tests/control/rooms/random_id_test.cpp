#include "control/rooms/random_id.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "control/rooms/room.hpp"

namespace sluice {
namespace {

TEST(RandomId, makes_uuids_of_version_4) {
  SystemEntropy entropy;
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = random_uuid(entropy);
    EXPECT_TRUE(std::regex_match(id, form)) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(RandomId, makes_short_ids_and_tokens_of_safe_characters) {
  SystemEntropy entropy;
  EXPECT_TRUE(std::regex_match(random_id(entropy, "prod-", 16), std::regex("prod-[a-z0-9]{16}")));
  EXPECT_TRUE(std::regex_match(random_token(entropy), std::regex("[A-Za-z0-9_-]{43}")));
  EXPECT_NE(random_token(entropy), random_token(entropy));
}

TEST(RoomId, blank_is_what_trimming_leaves_nothing_of) {
  EXPECT_TRUE(is_blank(""));
  EXPECT_TRUE(is_blank(" \t\r\n\v\f\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"));
  EXPECT_FALSE(is_blank(" x "));
  EXPECT_FALSE(is_blank("\u200b"));  // zero width space is not white space
  EXPECT_FALSE(is_blank("\xE2\x80"));
}

}  // namespace
}  // namespace sluice
