#include "control/security/audit/audit_chain.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(AuditChain, numbers_lines_and_chains_them_under_the_key) {
  AuditChain chain("key");
  const std::string first = chain.seal(R"({"ts":1,"event":"a")");
  const std::string second = chain.seal(R"({"ts":2,"event":"b")");
  // printf '%064d%s' 0 '{"ts":1,"event":"a","seq":1' | openssl dgst -sha256 -hmac key
  EXPECT_EQ(first,
            R"({"ts":1,"event":"a","seq":1,"chain":"f3d141c7863a6b04994f8410f0e970deba622dcc3f37497aaef2b4e908e6d226"})");
  EXPECT_EQ(second,
            R"({"ts":2,"event":"b","seq":2,"chain":"2106b114c80b79fe3db21a317736c74197b004b292eb25700f73641c540aa5b0"})");
  EXPECT_EQ(chain.last_seq(), 2U);
}

TEST(AuditChain, without_a_key_lines_are_numbered_only) {
  AuditChain chain("");
  EXPECT_FALSE(chain.keyed());
  EXPECT_EQ(chain.seal(R"({"ts":1)"), R"({"ts":1,"seq":1})");
}

TEST(AuditChain, goes_on_behind_any_line) {
  AuditChain whole("key");
  (void)whole.seal(R"({"a":1)");
  AuditChain part("key");
  part.continue_from(whole.last_seq(), whole.last_hash());
  EXPECT_EQ(part.seal(R"({"b":2)"), whole.seal(R"({"b":2)"));
}

TEST(AuditChain, a_sealed_line_is_read_back_and_nothing_else_is) {
  AuditChain chain("key");
  const std::string line = chain.seal(R"({"ts":1)");
  const auto read = read_sealed(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->seq, 1U);
  EXPECT_EQ(read->body, R"({"ts":1,"seq":1)");
  EXPECT_EQ(read->hash, chain.last_hash());
  const auto bare = read_sealed(R"({"ts":1,"seq":12})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->seq, 12U);
  EXPECT_TRUE(bare->hash.empty());
  for (std::size_t cut = 0; cut < line.size(); ++cut) EXPECT_FALSE(read_sealed(line.substr(0, cut))) << cut;
  for (const char* text : {"", "{}", R"({"seq":1})", R"({"ts":1,"seq":})", R"({"ts":1,"seq":99999999999999999999999})",
                           R"({"ts":1,"seq":1 })", R"([1,"seq":1])"}) {
    EXPECT_FALSE(read_sealed(text)) << text;
  }
}

TEST(AuditChain, a_checkpoint_is_one_object) {
  const AuditCheckpoint checkpoint{7, std::string(64, 'a')};
  const auto read = AuditCheckpoint::from_json(checkpoint.to_json());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->seq, 7U);
  EXPECT_EQ(read->hash, checkpoint.hash);
  for (const char* text : {"", "null", R"({"seq":1})", R"({"seq":-1,"chain":"a"})", R"({"seq":1,"chain":"short"})"}) {
    EXPECT_FALSE(AuditCheckpoint::from_json(text)) << text;
  }
}

}  // namespace
}  // namespace sluice
