#include "dataplane/packet/rtcp_writer.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/dataplane/packet/packet_bytes.hpp"
#include "tests/dataplane/packet/rtcp_packets.hpp"

namespace sluice {
namespace {

const ReportBlock block{.ssrc = {9},
                        .fraction_lost = 12,
                        .cumulative_lost = -5,
                        .highest_sequence = 0x20003,
                        .jitter = 77,
                        .last_sr = 0xaabbccdd,
                        .delay_since_last_sr = 65536};

TEST(RtcpWriter, WritesACompoundThatIsReadBack) {
  std::array<std::byte, 1000> out;
  RtcpWriter writer(out);
  const ReportBlock blocks[] = {block, block};
  const Ssrc sources[] = {{1}, {2}};
  const FirEntry entries[] = {{.media = {3}, .sequence = 4}};
  const SequenceNumber lost[] = {{65534}, {65535}, {0}, {14}, {15}, {100}};
  TransportFeedbackWriter feedback;
  feedback.begin({7}, TimePoint(std::chrono::seconds(1)), 1);
  ASSERT_TRUE(feedback.add({7}, TimePoint(std::chrono::seconds(1))));
  EXPECT_TRUE(writer.sender_report({1}, 0x1122334455667788, 2, 3, 4, blocks));
  EXPECT_TRUE(writer.receiver_report({5}, {&block, 1}));
  EXPECT_TRUE(writer.source_description({1}, "cname"));
  EXPECT_TRUE(writer.nack({1}, {2}, lost));
  EXPECT_TRUE(writer.transport_feedback({1}, {2}, feedback));
  EXPECT_TRUE(writer.picture_loss({1}, {2}));
  EXPECT_TRUE(writer.full_intra_request({1}, entries));
  EXPECT_TRUE(writer.receiver_estimate({1}, Bitrate{2'500'000}, sources));
  EXPECT_TRUE(writer.goodbye(sources));

  const auto datagram = cut(writer.written(), writer.size());
  const Packets packets(datagram);
  ASSERT_EQ(packets.size(), 9U);
  const auto& sr = std::get<SenderReport>(packets[0]);
  EXPECT_EQ(sr.ntp_time, 0x1122334455667788U);
  EXPECT_EQ(sr.octet_count, 4U);
  ASSERT_EQ(sr.blocks.size(), 2U);
  EXPECT_EQ(sr.blocks[1], block);
  EXPECT_EQ(std::get<ReceiverReport>(packets[1]).blocks[0], block);
  std::get<SourceDescription>(packets[2]).for_each_cname([](Ssrc, std::string_view text) { EXPECT_EQ(text, "cname"); });
  std::vector<SequenceNumber> asked;
  std::get<Nack>(packets[3]).for_each_lost([&](SequenceNumber number) { asked.push_back(number); });
  EXPECT_EQ(asked, std::vector<SequenceNumber>(std::begin(lost), std::end(lost)));
  EXPECT_EQ(std::get<TransportFeedback>(packets[4]).base_sequence_number.value, 7);
  EXPECT_EQ(std::get<PictureLoss>(packets[5]).media.value, 2U);
  const auto& fir = std::get<FullIntraRequest>(packets[6]);
  ASSERT_EQ(fir.size(), 1U);
  EXPECT_EQ(fir[0], entries[0]);
  const auto& estimate = std::get<ReceiverEstimate>(packets[7]);
  EXPECT_LE(estimate.bitrate.bits_per_second, 2'500'000);
  EXPECT_GT(estimate.bitrate.bits_per_second, 2'499'900);
  EXPECT_EQ(estimate[1].value, 2U);
  EXPECT_EQ(std::get<Goodbye>(packets[8]).size(), 2U);
}

TEST(RtcpWriter, SharesPairsBetweenNeighbours) {
  std::array<std::byte, 100> out;
  RtcpWriter writer(out);
  const SequenceNumber lost[] = {{10}, {26}, {27}};
  EXPECT_TRUE(writer.nack({1}, {2}, lost));
  EXPECT_EQ(cut(writer.written(), writer.size()), bytes_of_hex("81cd0004 00000001 00000002 000a8000 001b0000"));
}

TEST(RtcpWriter, EndsADescriptionOnAWordWhateverTheLength) {
  for (std::size_t length = 0; length <= 255; ++length) {
    std::array<std::byte, 300> out;
    RtcpWriter writer(out);
    const std::string cname(length, 'c');
    ASSERT_TRUE(writer.source_description({1}, cname));
    const Packets packets(cut(writer.written(), writer.size()));
    ASSERT_EQ(packets.size(), 1U);
    bool found = false;
    std::get<SourceDescription>(packets[0]).for_each_cname([&](Ssrc, std::string_view text) { found = text == cname; });
    EXPECT_TRUE(found) << length;
  }
}

TEST(RtcpWriter, KeepsWhatIsThereWhenTheNextDoesNotFit) {
  TransportFeedbackWriter feedback;
  feedback.begin({7}, TimePoint(std::chrono::seconds(1)), 1);
  ASSERT_TRUE(feedback.add({9}, TimePoint(std::chrono::seconds(1))));
  const Ssrc source{1};
  const FirEntry entry{.media = {3}, .sequence = 4};
  const SequenceNumber lost{5};
  const std::function<bool(RtcpWriter&)> writes[] = {
      [&](RtcpWriter& w) {
        return w.sender_report({1}, 1, 2, 3, 4, {&block, 1});
      },
      [&](RtcpWriter& w) {
        return w.receiver_report({1}, {&block, 1});
      },
      [&](RtcpWriter& w) { return w.source_description({1}, "name"); },
      [&](RtcpWriter& w) {
        return w.goodbye({&source, 1});
      },
      [&](RtcpWriter& w) {
        return w.nack({1}, {2}, {&lost, 1});
      },
      [&](RtcpWriter& w) { return w.picture_loss({1}, {2}); },
      [&](RtcpWriter& w) {
        return w.full_intra_request({1}, {&entry, 1});
      },
      [&](RtcpWriter& w) {
        return w.receiver_estimate({1}, Bitrate{1000}, {&source, 1});
      },
      [&](RtcpWriter& w) { return w.transport_feedback({1}, {2}, feedback); },
  };
  for (const auto& write : writes) {
    std::array<std::byte, 200> room;
    RtcpWriter alone(room);
    ASSERT_TRUE(write(alone));
    for (std::size_t size = 0; size < alone.size(); ++size) {
      std::vector<std::byte> out(12 + size);
      RtcpWriter writer(out);
      ASSERT_TRUE(writer.picture_loss({1}, {2}));
      EXPECT_FALSE(write(writer));
      EXPECT_EQ(writer.size(), 12U);
      EXPECT_TRUE(RtcpCompound::parse(writer.written()));
    }
  }
}

TEST(RtcpWriter, RefusesArgumentsOutOfRange) {
  std::array<std::byte, 2000> out;
  RtcpWriter writer(out);
  const std::vector<ReportBlock> blocks(32);
  const std::vector<Ssrc> sources(256);
  EXPECT_FALSE(writer.receiver_report({1}, blocks));
  EXPECT_FALSE(writer.sender_report({1}, 0, 0, 0, 0, blocks));
  EXPECT_FALSE(writer.goodbye(sources));
  EXPECT_FALSE(writer.receiver_estimate({1}, Bitrate{1}, sources));
  EXPECT_FALSE(writer.receiver_estimate({1}, Bitrate{-1}, {}));
  EXPECT_FALSE(writer.nack({1}, {2}, {}));
  EXPECT_FALSE(writer.full_intra_request({1}, {}));
  EXPECT_FALSE(writer.source_description({1}, std::string(256, 'x')));
  EXPECT_FALSE(writer.transport_feedback({1}, {2}, TransportFeedbackWriter{}));
  EXPECT_TRUE(writer.empty());
}

TEST(RtcpWriter, KeepsCumulativeLossAtItsLimits) {
  for (const std::int32_t lost : {0x7fffffff, -0x7fffffff}) {
    std::array<std::byte, 100> out;
    RtcpWriter writer(out);
    ReportBlock extreme = block;
    extreme.cumulative_lost = lost;
    ASSERT_TRUE(writer.receiver_report({1}, {&extreme, 1}));
    const Packets packets(cut(writer.written(), writer.size()));
    EXPECT_EQ(std::get<ReceiverReport>(packets[0]).blocks[0].cumulative_lost, lost > 0 ? 0x7fffff : -0x800000);
  }
}

}  // namespace
}  // namespace sluice
