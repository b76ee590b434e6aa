#include "dataplane/packet/rtp_header_writer.hpp"

#include <gtest/gtest.h>

#include "dataplane/packet/rtp_packet.hpp"
#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

constexpr RtpHeader header{.payload_type = {96},
                           .sequence_number = {0xabcd},
                           .timestamp = 0x11223344,
                           .ssrc = {0x55667788},
                           .marker = true,
                           .padding = false};

TEST(RtpHeaderWriter, WritesABareHeader) {
  std::array<std::byte, 12> out;
  const auto layout = RtpHeaderWriter(header).write(out);
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->header_size, 12);
  EXPECT_EQ(cut(out, 12), bytes_of_hex("80e0abcd 11223344 55667788"));
}

TEST(RtpHeaderWriter, WritesOneByteElementsAndPatchesThemLater) {
  std::array<std::byte, 100> out;
  out.fill(std::byte{0xff});
  const auto layout = RtpHeaderWriter(header)
                          .add(1, as_bytes("v0"))
                          .reserve_transport_sequence_number(3)
                          .add(0, as_bytes("not negotiated"))
                          .reserve_abs_send_time(14)
                          .write(out);
  ASSERT_TRUE(layout);
  auto packet = RtpPacket::parse(MutableBytes(out).first(layout->header_size));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->payload_size(), 0U);
  EXPECT_TRUE(packet->extensions().is_one_byte());
  EXPECT_EQ(as_text(packet->extension(1)), "v0");
  EXPECT_EQ(parse_transport_sequence_number(packet->extension(3)), 0);
  layout->patch_transport_sequence_number(out, 0x1234);
  layout->patch_abs_send_time(out, TimePoint(std::chrono::seconds(2)));
  EXPECT_EQ(parse_transport_sequence_number(packet->extension(3)), 0x1234);
  EXPECT_EQ(parse_abs_send_time(packet->extension(14)), 2U << 18U);
  EXPECT_EQ(as_text(packet->extension(1)), "v0");
}

TEST(RtpHeaderWriter, ChangesToTwoByteElementsWhereNeeded) {
  const std::string long_text(17, 'x');
  const struct {
    std::uint8_t id;
    std::string_view data;
  } cases[] = {{15, "a"}, {1, ""}, {2, long_text}, {255, "zz"}};
  for (const auto& c : cases) {
    std::array<std::byte, 100> out;
    const auto layout = RtpHeaderWriter(header).reserve_transport_sequence_number(5).add(c.id, as_bytes(c.data)).write(out);
    ASSERT_TRUE(layout);
    layout->patch_transport_sequence_number(out, 0xbeef);
    const auto packet = RtpPacket::parse(MutableBytes(out).first(layout->header_size));
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->extensions().is_two_byte());
    EXPECT_EQ(packet->extensions().find(c.id).id, c.id);
    EXPECT_EQ(as_text(packet->extension(c.id)), c.data);
    EXPECT_EQ(parse_transport_sequence_number(packet->extension(5)), 0xbeef);
  }
}

TEST(RtpHeaderWriter, WritesNothingWhereThereIsNoRoom) {
  RtpHeaderWriter writer(header);
  writer.add(1, as_bytes("12345"));
  EXPECT_EQ(writer.size(), 24U);
  for (std::size_t size = 0; size < writer.size(); ++size) {
    std::vector<std::byte> out(size);
    EXPECT_FALSE(writer.write(out));
  }
  std::vector<std::byte> out(writer.size());
  EXPECT_TRUE(writer.write(out));
}

TEST(RtpHeaderWriter, RefusesMoreThanItCanHold) {
  RtpHeaderWriter writer(header);
  for (std::uint8_t id = 1; id <= 17; ++id) writer.add(id, as_bytes("a"));
  std::array<std::byte, 200> out;
  EXPECT_FALSE(writer.write(out));
  const std::vector<std::byte> data(256);
  EXPECT_FALSE(RtpHeaderWriter(header).add(1, data).write(out));
}

TEST(RtpHeaderWriter, LeavesAPacketWithoutTheExtensionsAlone) {
  std::array<std::byte, 12> out;
  const auto layout = RtpHeaderWriter(header).reserve_transport_sequence_number(0).reserve_abs_send_time(0).write(out);
  ASSERT_TRUE(layout);
  const auto before = out;
  layout->patch_transport_sequence_number(out, 1);
  layout->patch_abs_send_time(out, TimePoint(std::chrono::seconds(1)));
  EXPECT_EQ(out, before);
}

}  // namespace
}  // namespace sluice
