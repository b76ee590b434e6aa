#include "control/signaling/whip/sdp_fragment.hpp"

#include <gtest/gtest.h>

namespace sluice::whip {
namespace {

/// The example of RFC 9725 section 4.3.2, shortened.
const std::string example =
    "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0\r\na=end-of-candidates\r\n";

TEST(SdpFragment, IsReadAsTheStandardShowsIt) {
  const auto fragment = parse_fragment(example);
  ASSERT_TRUE(fragment) << fragment.error();
  EXPECT_EQ(fragment->ufrag, "EsAw");
  EXPECT_EQ(fragment->pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
  EXPECT_EQ(fragment->candidates, 2U);
  EXPECT_TRUE(fragment->end_of_candidates);
}

TEST(SdpFragment, LinesMayEndWithoutReturnOrNotAtAll) {
  std::string bare = example;
  std::erase(bare, '\r');
  bare.pop_back();
  EXPECT_TRUE(parse_fragment(bare)->end_of_candidates);
}

TEST(SdpFragment, NothingIsAFragmentToo) {
  EXPECT_TRUE(parse_fragment(""));
  EXPECT_FALSE(parse_fragment("\r\n")->ufrag);
}

TEST(SdpFragment, CredentialsMayStandInEachSectionWhenTheyAreTheSame) {
  const std::string pair = "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n";
  EXPECT_EQ(parse_fragment(pair + "m=audio 9 x 1\n" + pair)->ufrag, "abcd");
  EXPECT_FALSE(parse_fragment(pair + "m=audio 9 x 1\na=ice-ufrag:efgh\na=ice-pwd:0123456789012345678901\n"));
}

TEST(SdpFragment, MalformedOnesAreRefusedWithASentence) {
  for (const std::string text : {
           "nonsense",
           "a",
           "A=ice-ufrag:abcd",
           "a=ice-ufrag:abc\na=ice-pwd:0123456789012345678901",   // too short
           "a=ice-ufrag:ab d\na=ice-pwd:0123456789012345678901",  // no ice-char
           "a=ice-ufrag:abcd\na=ice-pwd:short",                   // too short
           "a=ice-ufrag:abcd",                                    // alone
           "a=ice-pwd:0123456789012345678901",                    // alone
           "a=candidate:1 1 udp 1 192.0.2.1 5000",                // no type
           "a=candidate:1 1 udp 1 192.0.2.1 5000 host typ",       // in the wrong place
           "a=candidate:1 1  udp 1 192.0.2.1 5000 typ host",      // an empty word
           "a=end-of-candidates\x01",
       }) {
    const auto fragment = parse_fragment(text);
    ASSERT_FALSE(fragment) << text;
    EXPECT_FALSE(fragment.error().empty());
  }
  EXPECT_FALSE(parse_fragment("a=ice-ufrag:" + std::string(257, 'u') + "\na=ice-pwd:0123456789012345678901"));
  std::string many;
  for (int i = 0; i < 1025; ++i) many += "a=x\n";
  EXPECT_FALSE(parse_fragment(many));
}

TEST(SdpFragment, EveryTruncationIsReadOrRefused) {
  for (std::size_t size = 0; size < example.size(); ++size) {
    const auto fragment = parse_fragment(std::string_view(example).substr(0, size));
    EXPECT_TRUE(fragment || !fragment.error().empty());
  }
}

TEST(SdpFragment, WhatIsWrittenIsReadBack) {
  MediaSignaling::IceSession session{"ab/+", "0123456789012345678901", {"1 1 udp 1 192.0.2.1 5000 typ host"}, "7", "video"};
  const std::string text = write_fragment(session);
  EXPECT_NE(text.find("m=video "), std::string::npos);
  EXPECT_NE(text.find("a=mid:7\r\n"), std::string::npos);
  EXPECT_NE(text.find("a=ice-lite\r\n"), std::string::npos);
  const auto fragment = parse_fragment(text);
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->ufrag, "ab/+");
  EXPECT_EQ(fragment->candidates, 1U);
  EXPECT_TRUE(fragment->end_of_candidates);
}

}  // namespace
}  // namespace sluice::whip
