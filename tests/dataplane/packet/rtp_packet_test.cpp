#include "dataplane/packet/rtp_packet.hpp"

#include <gtest/gtest.h>

#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

// V=2 P X CC=1 | M PT=96 | seq 0x1234 | timestamp | ssrc | csrc | one-byte block of two words: ids 3 and 5 | payload |
// padding of 3
std::vector<std::byte> good_packet() {
  return bytes_of_hex("b1e01234 01020304 a1a2a3a4 c1c2c3c4 bede0002 32aabbcc 00517788 0102030405 000003");
}

TEST(RtpPacket, ReadsEveryField) {
  auto bytes = good_packet();
  const auto packet = RtpPacket::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->marker());
  EXPECT_EQ(packet->payload_type().value, 96);
  EXPECT_EQ(packet->sequence_number().value, 0x1234);
  EXPECT_EQ(packet->timestamp(), 0x01020304U);
  EXPECT_EQ(packet->ssrc().value, 0xa1a2a3a4U);
  ASSERT_EQ(packet->csrc_count(), 1U);
  EXPECT_EQ(packet->csrc(0).value, 0xc1c2c3c4U);
  EXPECT_EQ(packet->header_size(), 28U);
  EXPECT_EQ(packet->padding_size(), 3U);
  EXPECT_EQ(packet->payload_size(), 5U);
  EXPECT_EQ(packet->payload()[0], std::byte{1});
  EXPECT_EQ(packet->extension(3).size(), 3U);
  EXPECT_EQ(packet->extension(3)[0], std::byte{0xaa});
  ASSERT_EQ(packet->extension(5).size(), 2U);
  EXPECT_EQ(packet->extension(5)[1], std::byte{0x88});
  EXPECT_TRUE(packet->extension(4).empty());
  EXPECT_TRUE(packet->extension(0).empty());
}

TEST(RtpPacket, EditsInPlace) {
  auto bytes = good_packet();
  auto packet = RtpPacket::parse(bytes);
  ASSERT_TRUE(packet);
  packet->set_marker(false);
  packet->set_payload_type({111});
  packet->set_sequence_number({0xffff});
  packet->set_timestamp(0xdeadbeef);
  packet->set_ssrc({7});
  packet->extension(5)[0] = std::byte{0x42};
  const auto again = RtpPacket::parse(bytes);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->marker());
  EXPECT_EQ(again->payload_type().value, 111);
  EXPECT_EQ(again->sequence_number().value, 0xffff);
  EXPECT_EQ(again->timestamp(), 0xdeadbeefU);
  EXPECT_EQ(again->ssrc().value, 7U);
  EXPECT_EQ(again->extension(5)[0], std::byte{0x42});
  EXPECT_EQ(again->payload()[4], std::byte{5});
  packet->set_marker(true);
  EXPECT_EQ(packet->payload_type().value, 111);
}

TEST(RtpPacket, FailsCleanlyWhenCutAtAnyByte) {
  const auto bytes = good_packet();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto part = cut(bytes, size);
    const auto header = RtpPacket::parse_header(part);
    EXPECT_EQ(header.has_value(), size >= 28) << size;
    if (size < 28) {
      EXPECT_EQ(header.error(), RtpError::too_short);
    }
    const auto whole = RtpPacket::parse(part);
    if (size == 28) {
      EXPECT_EQ(whole.error(), RtpError::bad_padding);
    }
  }
}

TEST(RtpPacket, ChecksPaddingOnlyAfterDecryption) {
  for (const unsigned last : {0U, 9U, 255U}) {
    auto bytes = good_packet();
    bytes.back() = static_cast<std::byte>(last);
    EXPECT_EQ(RtpPacket::parse(bytes).error(), RtpError::bad_padding) << last;
    auto packet = RtpPacket::parse_header(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->payload_size(), 8U);
    EXPECT_EQ(packet->finish(bytes.size()).error(), RtpError::bad_padding);
  }
  auto bytes = good_packet();
  bytes.resize(bytes.size() + 16, std::byte{0xee});  // an authentication tag
  auto packet = RtpPacket::parse_header(bytes);
  ASSERT_TRUE(packet);
  ASSERT_TRUE(packet->finish(bytes.size() - 16));
  EXPECT_EQ(packet->payload_size(), 5U);
  EXPECT_EQ(packet->size(), bytes.size() - 16);
  EXPECT_FALSE(packet->finish(packet->header_size() - 1));
}

TEST(RtpPacket, AllowsAPayloadOfPaddingAlone) {
  auto bytes = bytes_of_hex("a0600001 00000000 00000001 00000004");
  const auto packet = RtpPacket::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->payload_size(), 0U);
  EXPECT_EQ(packet->padding_size(), 4U);
}

TEST(RtpPacket, RefusesOtherVersionsAndTheTypesOfRtcp) {
  auto bytes = good_packet();
  for (const unsigned first : {0x31U, 0x71U, 0xf1U}) {
    bytes[0] = static_cast<std::byte>(first);
    EXPECT_EQ(RtpPacket::parse(bytes).error(), RtpError::bad_version);
  }
  bytes = good_packet();
  for (const unsigned type : {64U, 72U, 95U}) {
    bytes[1] = static_cast<std::byte>(type);
    EXPECT_EQ(RtpPacket::parse(bytes).error(), RtpError::bad_payload_type);
  }
}

TEST(RtpPacket, RefusesAnExtensionElementThatReachesOutOfItsBlock) {
  // The last element claims two bytes where one is left in the block; the payload follows.
  auto bytes = bytes_of_hex("90600001 00000000 00000001 bede0001 00000051 0102");
  EXPECT_EQ(RtpPacket::parse(bytes).error(), RtpError::bad_extension);
}

TEST(RtpPacket, TakesAnEmptyBlockAndAForeignProfileAsNoExtensions) {
  auto empty = bytes_of_hex("90600001 00000000 00000001 bede0000 01");
  auto packet = RtpPacket::parse(empty);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header_size(), 16U);
  auto foreign = bytes_of_hex("90600001 00000000 00000001 abcd0001 ffffffff 01");
  packet = RtpPacket::parse(foreign);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header_size(), 20U);
  EXPECT_TRUE(packet->extension(15).empty());
}

}  // namespace
}  // namespace sluice
