#include "dataplane/transport/rtcp_outbox.hpp"

#include <gtest/gtest.h>

#include "dataplane/packet/rtcp_compound.hpp"
#include "tests/dataplane/transport/transport_rig.hpp"

namespace sluice::transport_test {
namespace {

struct RtcpOutboxTest : testing::Test {
  RtcpOutboxTest() { rig.connect(transport); }
  /// Kinds of the packets in the compound: R receiver report, S sender report, B bye, P picture loss, ? else.
  static std::string kinds(const std::vector<std::byte>& bytes) {
    std::string text;
    const auto compound = RtcpCompound::parse(bytes);
    if (!compound) return "broken";
    compound->for_each([&](const RtcpPacket& packet) {
      text += std::get_if<ReceiverReport>(&packet) != nullptr ? 'R'
              : std::get_if<SenderReport>(&packet) != nullptr ? 'S'
              : std::get_if<Goodbye>(&packet) != nullptr      ? 'B'
              : std::get_if<PictureLoss>(&packet) != nullptr  ? 'P'
                                                              : '?';
    });
    return text;
  }
  static bool picture_loss(RtcpWriter& w) { return w.picture_loss(Ssrc{1}, Ssrc{2}); }
  TransportRig rig;
  std::unique_ptr<TransportRecord> record = std::make_unique<TransportRecord>();
  Transport transport{rig.now, transport_spec(1), *record, rig.surroundings};
};

TEST_F(RtcpOutboxTest, PutsAReportInFrontOfFeedbackThatComesFirst) {
  {
    RtcpOutbox outbox(transport);
    EXPECT_TRUE(outbox.append(picture_loss));
    EXPECT_TRUE(outbox.append(picture_loss));
    EXPECT_TRUE(rig.sink.sent.empty()) << "one compound, at the end";
  }
  ASSERT_EQ(rig.sink.sent.size(), 1U);
  EXPECT_EQ(kinds(rig.sink.sent[0].bytes), "RPP");
  EXPECT_EQ(load_u32(rig.sink.sent[0].bytes, 4), transport.rtcp_ssrc().value);
}

TEST_F(RtcpOutboxTest, AddsNoSecondReport) {
  {
    RtcpOutbox outbox(transport);
    EXPECT_TRUE(outbox.report([](RtcpWriter& w) { return w.sender_report(Ssrc{9}, 1, 2, 3, 4); }));
    EXPECT_TRUE(outbox.append(picture_loss));
  }
  ASSERT_EQ(rig.sink.sent.size(), 1U);
  EXPECT_EQ(kinds(rig.sink.sent[0].bytes), "SP");
}

TEST_F(RtcpOutboxTest, SaysNothingWhenThereIsNothingToSay) {
  {
    RtcpOutbox outbox(transport);
    EXPECT_TRUE(outbox.flush());
  }
  EXPECT_TRUE(rig.sink.sent.empty());
}

TEST_F(RtcpOutboxTest, GoesOnInAnotherCompoundWhenOneIsFull) {
  {
    RtcpOutbox outbox(transport);
    for (int i = 0; i < 250; ++i) ASSERT_TRUE(outbox.append(picture_loss));
  }
  ASSERT_EQ(rig.sink.sent.size(), 3U);
  std::size_t feedback = 0;
  for (const auto& datagram : rig.sink.sent) {
    EXPECT_LE(datagram.bytes.size(), 1160U);
    const std::string text = kinds(datagram.bytes);
    EXPECT_EQ(text[0], 'R');
    feedback += text.size() - 1;
  }
  EXPECT_EQ(feedback, 250U);
}

TEST_F(RtcpOutboxTest, RefusesWhatFitsInNoCompound) {
  RtcpOutbox outbox(transport);
  EXPECT_TRUE(outbox.append(picture_loss));
  EXPECT_FALSE(outbox.append([](RtcpWriter&) { return false; }));
  EXPECT_FALSE(outbox.report([](RtcpWriter&) { return false; }));
  EXPECT_TRUE(outbox.append(picture_loss)) << "and lives on";
}

TEST_F(RtcpOutboxTest, TellsThatNothingWasSentWithoutAPath) {
  transport.enter(rig.now, TransportPhase::disconnected, TransportReason::consent_expired);
  RtcpOutbox outbox(transport);
  EXPECT_TRUE(outbox.append(picture_loss));
  EXPECT_FALSE(outbox.flush());
  EXPECT_TRUE(rig.sink.sent.empty());
}

}  // namespace
}  // namespace sluice::transport_test
