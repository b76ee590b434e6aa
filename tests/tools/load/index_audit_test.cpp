// The audit of SRTP indices, alone and behind libsrtp2 with seeded faults of a sender.
#include "tools/load/index_audit.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "tools/load/audited_srtp.hpp"

namespace sluice::load {
namespace {

constexpr Ssrc ssrc{0x1234};

TEST(IndexSetTest, EachIndexOnceIsFresh) {
  IndexSet set;
  for (const std::uint64_t index : {5U, 6U, 9U, 8U, 7U, 4U}) EXPECT_EQ(set.note(index, index), IndexVerdict::fresh);
}

TEST(IndexSetTest, TellsTheSameCiphertextFromAnother) {
  IndexSet set;
  (void)set.note(5, 111);
  (void)set.note(6, 222);
  EXPECT_EQ(set.note(5, 111), IndexVerdict::network_duplicate);
  EXPECT_EQ(set.note(5, 112), IndexVerdict::repeat);
}

TEST(IndexSetTest, AnIndexWhoseCiphertextIsForgottenIsARepeat) {
  IndexSet set;
  for (std::uint64_t index = 0; index <= IndexSet::fingerprints; ++index) (void)set.note(index, index);
  EXPECT_EQ(set.note(0, 0), IndexVerdict::repeat);
  EXPECT_EQ(set.note(1, 1), IndexVerdict::network_duplicate);
}

TEST(IndexSetTest, RemembersLossesAsUnusedAndForgetsBehindItsWindow) {
  IndexSet set;
  (void)set.note(0, 0);
  (void)set.note(IndexSet::window - 1, 0);
  EXPECT_EQ(set.note(1, 0), IndexVerdict::fresh);  // the last that is remembered
  (void)set.note(IndexSet::window * 3, 0);         // everything before is forgotten
  EXPECT_EQ(set.note(2, 0), IndexVerdict::repeat);
  EXPECT_EQ(set.note(IndexSet::window * 3 - 1, 0), IndexVerdict::fresh);
}

TEST(IndexAuditTest, FollowsTheSequenceNumberThroughItsWraps) {
  IndexAudit audit;
  std::uint64_t index = 65'000;
  for (int i = 0; i < 200'000; ++i, ++index) {
    ASSERT_EQ(audit.guess_rtp_index(ssrc, static_cast<std::uint16_t>(index)), index);
    ASSERT_EQ(audit.note_rtp(ssrc, index, index), IndexVerdict::fresh);
  }
  EXPECT_EQ(audit.counts().rtp, 200'000U);
}

TEST(IndexAuditTest, KeepsSsrcsAndRtcpApart) {
  IndexAudit audit;
  EXPECT_EQ(audit.note_rtp(Ssrc{1}, 7, 1), IndexVerdict::fresh);
  EXPECT_EQ(audit.note_rtp(Ssrc{2}, 7, 2), IndexVerdict::fresh);
  EXPECT_EQ(audit.note_rtcp(Ssrc{1}, 7, 3), IndexVerdict::fresh);
  EXPECT_EQ(audit.note_rtcp(Ssrc{1}, 7, 4), IndexVerdict::repeat);
  EXPECT_EQ(audit.counts().ssrcs, 3U);
  EXPECT_EQ(audit.counts().repeats, 1U);
}

std::vector<std::byte> key_of(SrtpProfile profile, int seed) {
  const std::size_t size = profile == SrtpProfile::aes128_cm_sha1_80  ? 30
                           : profile == SrtpProfile::aead_aes_256_gcm ? 44
                                                                      : 28;
  std::vector<std::byte> key(size);
  for (std::size_t i = 0; i < size; ++i) key[i] = static_cast<std::byte>(i * 7 + static_cast<std::size_t>(seed));
  return key;
}

/// A server whose SRTP may go wrong, and the generator's receiving side.
class AuditedSrtpTest : public testing::TestWithParam<SrtpProfile> {
 protected:
  using Datagram = std::vector<std::byte>;

  [[nodiscard]] std::unique_ptr<SrtpSession> server() const {
    return std::make_unique<SrtpSession>(GetParam(), key_of(GetParam(), 1), key_of(GetParam(), 2));
  }
  static Datagram rtp(SrtpSession& session, std::uint16_t sequence, int content) {
    Datagram packet(200 + SrtpSession::overhead_max, static_cast<std::byte>(content));
    const auto layout =
        RtpHeaderWriter({.payload_type = PayloadType{96}, .sequence_number = SequenceNumber{sequence}, .ssrc = ssrc})
            .write(packet);
    EXPECT_TRUE(layout);
    packet.resize(session.protect_rtp(packet, 200).value());
    return packet;
  }
  static Datagram rtcp(SrtpSession& session, Ssrc about) {
    Datagram packet(100 + SrtpSession::overhead_max);
    RtcpWriter writer{MutableBytes(packet)};
    EXPECT_TRUE(writer.receiver_report(ssrc));
    EXPECT_TRUE(writer.picture_loss(ssrc, about));
    packet.resize(session.protect_rtcp(packet, writer.size()).value());
    return packet;
  }
  SrtpSession::Opened receive_rtp(Datagram packet, std::uint16_t sequence) {
    return inbound_.open_rtp(packet, ssrc, sequence).opened;
  }
  SrtpSession::Opened receive_rtcp(Datagram packet) { return inbound_.open_rtcp(packet).opened; }
  [[nodiscard]] const IndexAudit::Counts& counts() const { return inbound_.audit().counts(); }

  SrtpSession client_{GetParam(), key_of(GetParam(), 2), key_of(GetParam(), 1)};
  int told_ = 0;
  AuditedSrtp inbound_{client_, true, [this](Ssrc, std::uint64_t, bool) { ++told_; }};
};

TEST_P(AuditedSrtpTest, AHealthySenderIsClean) {
  const auto sender = server();
  std::uint16_t sequence = 65'500;
  for (int i = 0; i < 200; ++i, ++sequence)
    ASSERT_EQ(receive_rtp(rtp(*sender, sequence, i), sequence), SrtpSession::Opened::fine);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(receive_rtcp(rtcp(*sender, Ssrc{9})), SrtpSession::Opened::fine);
  EXPECT_EQ(counts().rtp, 200U);
  EXPECT_EQ(counts().rtcp, 10U);
  EXPECT_EQ(counts().repeats, 0U);
}

TEST_P(AuditedSrtpTest, ADuplicateOfTheNetworkIsNoRepeat) {
  const auto sender = server();
  const Datagram packet = rtp(*sender, 10, 1);
  const Datagram report = rtcp(*sender, Ssrc{9});
  for (int i = 0; i < 2; ++i) {
    (void)receive_rtp(packet, 10);
    (void)receive_rtcp(report);
  }
  EXPECT_EQ(counts().network_duplicates, 2U);
  EXPECT_EQ(counts().repeats, 0U);
}

TEST_P(AuditedSrtpTest, FindsASuccessorThatUsesAnIndexAgain) {
  const auto sender = server();
  for (std::uint16_t n = 0; n < 50; ++n) (void)receive_rtp(rtp(*sender, n, 1), n);
  const auto successor = server();  // the same keys, and ten packets behind
  for (std::uint16_t n = 40; n < 60; ++n) (void)receive_rtp(rtp(*successor, n, 2), n);
  EXPECT_EQ(counts().repeats, 10U);
  EXPECT_EQ(told_, 10);
  EXPECT_EQ(counts().rtp, 60U);
}

TEST_P(AuditedSrtpTest, FindsASuccessorThatForgotTheRolloverCounter) {
  const auto sender = server();
  std::uint32_t index = 0;
  for (; index < 70'000; index += 100) {
    const auto sequence = static_cast<std::uint16_t>(index);
    ASSERT_EQ(receive_rtp(rtp(*sender, sequence, 1), sequence), SrtpSession::Opened::fine);
  }
  const auto sequence = static_cast<std::uint16_t>(300);
  const auto successor = server();  // begins at ROC 0: index 300 was used, libsrtp2 expects 65,836
  EXPECT_EQ(receive_rtp(rtp(*successor, sequence, 2), sequence), SrtpSession::Opened::failed);
  EXPECT_EQ(counts().repeats, 1U);
}

TEST_P(AuditedSrtpTest, FindsAnSrtcpIndexThatIsUsedAgain) {
  const auto sender = server();
  for (int i = 0; i < 5; ++i) (void)receive_rtcp(rtcp(*sender, Ssrc{9}));
  const auto successor = server();
  for (int i = 0; i < 3; ++i) (void)receive_rtcp(rtcp(*successor, Ssrc{10}));
  EXPECT_EQ(counts().repeats, 3U);
}

TEST_P(AuditedSrtpTest, IgnoresWhatIsNotAuthentic) {
  const auto sender = server();
  (void)receive_rtp(rtp(*sender, 10, 1), 10);
  Datagram forged = rtp(*sender, 11, 1);
  (void)receive_rtp(forged, 11);
  forged[50] ^= std::byte{1};
  (void)receive_rtp(forged, 11);
  Datagram report = rtcp(*sender, Ssrc{9});
  (void)receive_rtcp(report);
  report[10] ^= std::byte{1};
  (void)receive_rtcp(report);
  EXPECT_EQ(counts().repeats, 0U);
  EXPECT_EQ(counts().network_duplicates, 0U);
}

INSTANTIATE_TEST_SUITE_P(Suites, AuditedSrtpTest,
                         testing::Values(SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm,
                                         SrtpProfile::aes128_cm_sha1_80));

}  // namespace
}  // namespace sluice::load
