#include "dataplane/packet/rtx.hpp"

#include <gtest/gtest.h>

#include "dataplane/packet/rtp_header_writer.hpp"
#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

TEST(Rtx, GivesBackTheOriginalPacket) {
  const auto original = bytes_of_hex("b0e0fffe 01020304 a1a2a3a4 bede0001 10aa0000 0102030405 000003");
  // The same packet as a retransmission: other type, number and source, the OSN in front of the payload.
  auto rtx = bytes_of_hex("b0e10007 01020304 b1b2b3b4 bede0001 10aa0000 fffe 0102030405 000003");
  const auto packet = RtpPacket::parse(rtx);
  ASSERT_TRUE(packet);
  const auto size = rtx_decapsulate(*packet, {0xa1a2a3a4}, {96});
  ASSERT_EQ(size, original.size());
  EXPECT_EQ(cut(rtx, *size), original);
}

TEST(Rtx, EncapsulatesWhatItDecapsulates) {
  std::vector<std::byte> out(100);
  const RtpHeader header{.payload_type = {97}, .sequence_number = {9}, .timestamp = 5, .ssrc = {8}, .marker = true};
  const auto layout = RtpHeaderWriter(header).write(out);
  ASSERT_TRUE(layout);
  const auto payload = bytes_of_hex("aabbcc");
  const auto written = rtx_encapsulate(MutableBytes(out).subspan(layout->header_size), {0x1234}, payload);
  ASSERT_EQ(written, 5U);
  const auto packet = RtpPacket::parse(MutableBytes(out).first(layout->header_size + *written));
  ASSERT_TRUE(packet);
  EXPECT_EQ(rtx_original_sequence_number(packet->payload()), SequenceNumber{0x1234});
  const auto size = rtx_decapsulate(*packet, {1}, {96});
  ASSERT_TRUE(size);
  const auto original = RtpPacket::parse(MutableBytes(out).first(*size));
  ASSERT_TRUE(original);
  EXPECT_EQ(original->sequence_number().value, 0x1234);
  EXPECT_EQ(original->ssrc().value, 1U);
  EXPECT_EQ(original->payload_type().value, 96);
  EXPECT_TRUE(original->marker());
  EXPECT_EQ(cut(original->payload(), 3), payload);
}

TEST(Rtx, LeavesAProbeWithoutOsnAlone) {
  for (const char* hex :
       {"80610007 00000000 00000001", "80610007 00000000 00000001 ff", "a0610007 00000000 00000001 00000003"}) {
    auto probe = bytes_of_hex(hex);
    const auto before = probe;
    const auto packet = RtpPacket::parse(probe);
    ASSERT_TRUE(packet) << hex;
    EXPECT_FALSE(rtx_decapsulate(*packet, {1}, {96})) << hex;
    EXPECT_EQ(probe, before);
  }
}

TEST(Rtx, WritesNothingWithoutRoom) {
  const auto payload = bytes_of_hex("aabbcc");
  for (std::size_t size = 0; size < 5; ++size) {
    std::vector<std::byte> out(size, std::byte{0x77});
    EXPECT_FALSE(rtx_encapsulate(out, {1}, payload));
    EXPECT_EQ(out, std::vector<std::byte>(size, std::byte{0x77}));
  }
}

}  // namespace
}  // namespace sluice
