#include "dataplane/packet/packet_class.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

PacketClass classify_bytes(unsigned first, unsigned second, std::size_t size) {
  std::vector<std::byte> datagram(size);
  if (size > 0) datagram[0] = static_cast<std::byte>(first);
  if (size > 1) datagram[1] = static_cast<std::byte>(second);
  return classify(datagram);
}

TEST(PacketClass, FollowsTheFirstByte) {
  for (unsigned first = 0; first < 256; ++first) {
    PacketClass expected = PacketClass::unknown;
    if (first <= 3) expected = PacketClass::stun;
    if (first >= 20 && first <= 63) expected = PacketClass::dtls;
    if (first >= 128 && first <= 191) expected = PacketClass::rtp;
    EXPECT_EQ(classify_bytes(first, 0, 100), expected) << first;
  }
}

TEST(PacketClass, TellsRtcpByThePayloadTypesThatRtpMustNotUse) {
  for (unsigned second = 0; second < 256; ++second) {
    const unsigned type = second & 0x7fU;
    EXPECT_EQ(classify_bytes(0x80, second, 100), type >= 64 && type <= 95 ? PacketClass::rtcp : PacketClass::rtp) << second;
  }
}

TEST(PacketClass, DropsWhatIsTooShortOrTooLong) {
  const struct {
    unsigned first, second;
    std::size_t size_min;
    PacketClass expected;
  } table[] = {{0, 1, 20, PacketClass::stun},
               {22, 254, 13, PacketClass::dtls},
               {0x80, 96, 12, PacketClass::rtp},
               {0x80, 200, 8, PacketClass::rtcp}};
  for (const auto& row : table) {
    for (std::size_t size = 0; size < row.size_min; ++size)
      EXPECT_EQ(classify_bytes(row.first, row.second, size), PacketClass::unknown);
    EXPECT_EQ(classify_bytes(row.first, row.second, row.size_min), row.expected);
    EXPECT_EQ(classify_bytes(row.first, row.second, 1500), row.expected);
    EXPECT_EQ(classify_bytes(row.first, row.second, 1501), PacketClass::unknown);
  }
}

}  // namespace
}  // namespace sluice
