#include "dataplane/packet/rtcp_compound.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/dataplane/packet/packet_bytes.hpp"
#include "tests/dataplane/packet/rtcp_packets.hpp"

namespace sluice {
namespace {

std::optional<RtcpError> error_of(const char* hex) {
  const auto bytes = bytes_of_hex(hex);
  const auto compound = RtcpCompound::parse(bytes);
  return compound ? std::nullopt : std::optional(compound.error());
}

TEST(RtcpCompound, ReadsAReportWithADescription) {
  // SDES: chunk = ssrc (4) + item (2 + 5) + end (1) = 12 bytes: three words and the header.
  const auto bytes = bytes_of_hex(
      "81c8000c 01020304 e000000080000000 00001111 00000022 00003333"
      "0a0b0c0d 40fffffe 00010005 00000007 11223344 00010000"
      "81ca0003 01020304 0105616c69636500");
  const Packets packets(bytes);
  ASSERT_EQ(packets.size(), 2U);
  const auto& report = std::get<SenderReport>(packets[0]);
  EXPECT_EQ(report.sender.value, 0x01020304U);
  EXPECT_EQ(report.ntp_time, 0xe000000080000000U);
  EXPECT_EQ(report.rtp_timestamp, 0x1111U);
  EXPECT_EQ(report.packet_count, 0x22U);
  EXPECT_EQ(report.octet_count, 0x3333U);
  ASSERT_EQ(report.blocks.size(), 1U);
  const ReportBlock block = report.blocks[0];
  EXPECT_EQ(block.ssrc.value, 0x0a0b0c0dU);
  EXPECT_EQ(block.fraction_lost, 0x40);
  EXPECT_EQ(block.cumulative_lost, -2);
  EXPECT_EQ(block.highest_sequence, 0x00010005U);
  EXPECT_EQ(block.jitter, 7U);
  EXPECT_EQ(block.last_sr, 0x11223344U);
  EXPECT_EQ(block.delay_since_last_sr, 0x10000U);
  std::string cname;
  std::get<SourceDescription>(packets[1]).for_each_cname([&](Ssrc ssrc, std::string_view text) {
    EXPECT_EQ(ssrc.value, 0x01020304U);
    cname = text;
  });
  EXPECT_EQ(cname, "alice");
}

TEST(RtcpCompound, FailsCleanlyWhenCutAtAnyByte) {
  const auto bytes = bytes_of_hex(
      "80c90001 00000001 81ca0003 01020304 0105616c69636500 81cd0003 00000001 00000002 00100003"
      "8fcd0005 00000001 00000002 000a0001 00000509 20010400 84ce0004 00000001 00000000 00000003 05000000"
      "8fce0005 00000001 00000000 52454d42 010412 34 00000009");
  ASSERT_TRUE(RtcpCompound::parse(bytes));
  const std::size_t ends[] = {8, 24, 40, 64, 84, 108};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto part = cut(bytes, size);
    const bool whole = std::find(std::begin(ends), std::end(ends), size) != std::end(ends);
    EXPECT_EQ(RtcpCompound::parse(part).has_value(), whole) << size;
  }
}

TEST(RtcpCompound, SaysWhatIsWrong) {
  EXPECT_EQ(error_of(""), RtcpError::too_short);
  EXPECT_EQ(error_of("80c900"), RtcpError::too_short);
  EXPECT_EQ(error_of("40c90001 00000001"), RtcpError::bad_version);
  EXPECT_EQ(error_of("80bf0001 00000001"), RtcpError::bad_type);
  EXPECT_EQ(error_of("80e00001 00000001"), RtcpError::bad_type);
  EXPECT_EQ(error_of("80c90002 00000001"), RtcpError::bad_length);
  EXPECT_EQ(error_of("80c90001 00000001 80"), RtcpError::too_short);                         // a rest behind the last packet
  EXPECT_EQ(error_of("a0c90001 00000000"), RtcpError::bad_padding);                          // zero bytes of padding
  EXPECT_EQ(error_of("a0c90001 00000009"), RtcpError::bad_padding);                          // more than there is
  EXPECT_EQ(error_of("a0c90000"), RtcpError::bad_padding);                                   // no body at all
  EXPECT_EQ(error_of("80c90000"), RtcpError::bad_body);                                      // no sender
  EXPECT_EQ(error_of("81c90001 00000001"), RtcpError::bad_body);                             // a block is claimed and absent
  EXPECT_EQ(error_of("80c80001 00000001"), RtcpError::bad_body);                             // no sender info
  EXPECT_EQ(error_of("82cb0001 00000001"), RtcpError::bad_body);                             // two sources claimed
  EXPECT_EQ(error_of("81ca0002 00000001 01ff6100"), RtcpError::bad_body);                    // an item reaches out
  EXPECT_EQ(error_of("81ca0002 00000001 01026161"), RtcpError::bad_body);                    // items without an end
  EXPECT_EQ(error_of("82ca0002 00000001 00000000"), RtcpError::bad_body);                    // two chunks claimed
  EXPECT_EQ(error_of("81cd0002 00000001 00000002"), RtcpError::bad_body);                    // a NACK of nothing
  EXPECT_EQ(error_of("84ce0002 00000001 00000000"), RtcpError::bad_body);                    // a FIR of nothing
  EXPECT_EQ(error_of("84ce0003 00000001 00000000 00000003"), RtcpError::bad_body);           // half an entry
  EXPECT_EQ(error_of("81ce0001 00000001"), RtcpError::bad_body);                             // a PLI without media
  EXPECT_EQ(error_of("8fce0004 00000001 00000000 52454d42 01041234"), RtcpError::bad_body);  // REMB lacks its source
}

TEST(RtcpCompound, TakesReducedSizeAndTrailingProfileData) {
  EXPECT_EQ(error_of("81ce0002 00000001 00000002"), std::nullopt);            // PLI first (RFC 5506)
  EXPECT_EQ(error_of("80c90002 00000001 deadbeef"), std::nullopt);            // profile-specific extension
  EXPECT_EQ(error_of("81cb0003 00000001 04 62796500 000000"), std::nullopt);  // BYE with a reason
  EXPECT_EQ(error_of("80cb0000"), std::nullopt);                              // BYE of nobody
  EXPECT_EQ(error_of("80ca0000"), std::nullopt);                              // SDES of nobody
}

TEST(RtcpCompound, SkipsWhatItDoesNotKnow) {
  const Packets packets(
      bytes_of_hex("80cc0002 00000001 41424344"           // APP
                   "80cf0001 00000001"                    // XR
                   "8bcd0002 00000001 00000002"           // RFC 8888 feedback
                   "83ce0002 00000001 00000002"           // RPSI
                   "8fce0003 00000001 00000002 41424344"  // application layer feedback that is no REMB
                   "8fce0002 00000001 00000002"));
  ASSERT_EQ(packets.size(), 6U);
  for (const RtcpPacket& packet : packets.list) EXPECT_TRUE(std::holds_alternative<UnknownRtcp>(packet));
  EXPECT_EQ(std::get<UnknownRtcp>(packets[0]).packet_type, 204);
  EXPECT_EQ(std::get<UnknownRtcp>(packets[2]).format, 11);
}

TEST(RtcpCompound, ExpandsNacksAtMost256Times) {
  const Packets packets(bytes_of_hex("81cd0004 00000001 00000002 fffe0003 00108001"));
  ASSERT_EQ(packets.size(), 1U);
  const auto& nack = std::get<Nack>(packets[0]);
  EXPECT_EQ(nack.sender.value, 1U);
  EXPECT_EQ(nack.media.value, 2U);
  std::vector<unsigned> lost;
  EXPECT_EQ(nack.for_each_lost([&](SequenceNumber number) { lost.push_back(number.value); }), 6U);
  EXPECT_EQ(lost, (std::vector<unsigned>{0xfffe, 0xffff, 0, 0x10, 0x11, 0x20}));

  auto many = bytes_of_hex("81cd0022 00000001 00000002");
  for (int i = 0; i < 32; ++i) many.insert(many.end(), 4, std::byte{0xff});
  const Packets bounded(many);
  std::size_t count = 0;
  EXPECT_EQ(std::get<Nack>(bounded[0]).for_each_lost([&](SequenceNumber) { ++count; }), Nack::sequences_max);
  EXPECT_EQ(count, Nack::sequences_max);
}

TEST(RtcpCompound, ClampsAnEstimateThatNoBitrateCanHold) {
  const Packets packets(bytes_of_hex("8fce0004 00000001 00000000 52454d42 00ffffff"));
  EXPECT_EQ(std::get<ReceiverEstimate>(packets[0]).bitrate.bits_per_second, std::numeric_limits<std::int64_t>::max());
  const Packets small(bytes_of_hex("8fce0005 00000001 00000000 52454d42 01041234 00000009"));
  const auto& estimate = std::get<ReceiverEstimate>(small[0]);
  EXPECT_EQ(estimate.bitrate.bits_per_second, 0x1234 << 1);
  ASSERT_EQ(estimate.size(), 1U);
  EXPECT_EQ(estimate[0].value, 9U);
}

TEST(RtcpCompound, TakesFeedbackPaddedByLessThanAWordInTheMiddle) {
  // What browsers send: each transport-wide feedback padded on its own, several in one datagram.
  const Packets packets(
      bytes_of_hex("afcd0005 00000001 00000002 000a0001 00000509 20010401"
                   "afcd0006 00000001 00000002 000a0003 00000509 20030401 02000003"));
  ASSERT_EQ(packets.size(), 2U);
  EXPECT_EQ(std::get<TransportFeedback>(packets[1]).status_count, 3);
}

TEST(RtcpCompound, ReadsSeveralChunksAndItemsOfADescription) {
  const Packets packets(
      bytes_of_hex("83ca0009"
                   "00000001 02026161 01036262 63000000"  // NAME, then CNAME bbc, end and filling
                   "00000002 00000000"                    // nothing
                   "00000003 01017a00 "                   // CNAME z, end on the word
                   "00000000"));                          // behind the chunks
  ASSERT_EQ(packets.size(), 1U);
  std::vector<std::pair<unsigned, std::string>> names;
  std::get<SourceDescription>(packets[0]).for_each_cname([&](Ssrc ssrc, std::string_view text) {
    names.emplace_back(ssrc.value, text);
  });
  EXPECT_EQ(names, (std::vector<std::pair<unsigned, std::string>>{{1, "bbc"}, {3, "z"}}));
}

}  // namespace
}  // namespace sluice
