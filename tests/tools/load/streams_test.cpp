// A sending and a receiving stream, joined by a network of the test.
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "dataplane/packet/rtp_packet.hpp"
#include "dataplane/packet/rtx.hpp"
#include "dataplane/packet/vp8_descriptor.hpp"
#include "tools/load/receive_stream.hpp"
#include "tools/load/send_stream.hpp"

namespace sluice::load {
namespace {

using std::chrono::milliseconds;

class Wire final : public PacketSink {
 public:
  MutableBytes begin() override { return buffer_; }
  void end(std::size_t size) override {
    packets.emplace_back(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
  }
  std::uint16_t next_transport_number() override { return transport_number_++; }
  [[nodiscard]] TimePoint send_time() const override { return now; }

  TimePoint now;
  std::vector<std::vector<std::byte>> packets;

 private:
  std::vector<std::byte> buffer_ = std::vector<std::byte>(PacketSink::room);
  std::uint16_t transport_number_ = 0;
};

class StreamsTest : public testing::TestWithParam<MediaKind> {
 protected:
  static constexpr Ssrc media_ssrc{11};
  static constexpr Ssrc rtx_ssrc{12};
  StreamsTest()
      : sender_({.stream = 7,
                 .kind = GetParam(),
                 .mid = "0",
                 .ssrc = media_ssrc,
                 .rtx_ssrc = GetParam() == MediaKind::video ? rtx_ssrc : Ssrc{}},
                {.video_bits_per_second = 1'000'000}, 1, 3, start_, 5),
        receiver_({.stream = 7,
                   .label = {.room = 0, .publisher = 0, .subscriber = 0, .kind = GetParam()},
                   .ssrc = media_ssrc,
                   .rtx_ssrc = GetParam() == MediaKind::video ? rtx_ssrc : Ssrc{}}) {}

  /// What is due at `now`, handed to the receiver 2 ms later unless `drop` says so.
  template <typename Drop>
  void turn(TimePoint now, Drop&& drop) {
    wire_.now = now;
    while (sender_.next_due() <= now) (void)sender_.produce(now, wire_);
    deliver(now + milliseconds(2), drop);
  }
  template <typename Drop>
  void deliver(TimePoint now, Drop&& drop) {
    for (auto& bytes : std::exchange(wire_.packets, {})) {
      sent_bytes_ += bytes.size();
      if (drop(sent_++)) continue;
      const auto packet = RtpPacket::parse(bytes);
      ASSERT_TRUE(packet);
      if (packet->ssrc() == rtx_ssrc) {
        (void)receiver_.on_rtx(now, *packet);
      } else {
        (void)receiver_.on_rtp(now, *packet);
      }
    }
  }

  TimePoint start_{std::chrono::seconds(1000)};
  SendStream sender_;
  ReceiveStream receiver_;
  Wire wire_;
  std::size_t sent_ = 0;
  std::size_t sent_bytes_ = 0;
};

TEST_P(StreamsTest, ArrivesWholeWithTrueFigures) {
  for (int ms = 0; ms < 20'000; ms += 5) turn(start_ + milliseconds(ms), [](std::size_t) { return false; });
  EXPECT_EQ(receiver_.counters().received(), sender_.packets());
  EXPECT_EQ(receiver_.counters().lost_of(sender_.packets()), 0U);
  EXPECT_EQ(receiver_.counts().misrouted + receiver_.counts().unstamped, 0U);
  EXPECT_EQ(receiver_.latency().largest(), milliseconds(2));
  EXPECT_EQ(receiver_.gaps().histogram().total(), 0U);
  const double rate = static_cast<double>(sent_bytes_) * 8 / 20;
  if (GetParam() == MediaKind::video) {
    EXPECT_NEAR(rate, 1'050'000, 100'000);  // with headers
    EXPECT_NEAR(static_cast<double>(receiver_.frames().counts().decoded), 600, 2);
    EXPECT_EQ(receiver_.frames().counts().key_frames, 2U);
    EXPECT_EQ(receiver_.frames().counts().picture_id_breaks, 0U);
  } else {
    EXPECT_NEAR(rate, 32'000 + 50 * 8 * 20, 5'000);
    EXPECT_NEAR(static_cast<double>(sender_.packets()), 1000, 2);
  }
}

TEST_P(StreamsTest, CountsWhatIsLost) {
  for (int ms = 0; ms < 2'000; ms += 5) turn(start_ + milliseconds(ms), [](std::size_t n) { return n % 10 == 3; });
  EXPECT_EQ(receiver_.counters().lost_of(sender_.packets()), (sender_.packets() + 6) / 10);
}

TEST_P(StreamsTest, NoticesTheStreamOfAnother) {
  ReceiveStream other({.stream = 8,
                       .label = {.room = 0, .publisher = 0, .subscriber = 0, .kind = GetParam()},
                       .ssrc = media_ssrc,
                       .rtx_ssrc = {}});
  wire_.now = start_ + milliseconds(50);
  (void)sender_.produce(wire_.now, wire_);
  const auto packet = RtpPacket::parse(wire_.packets.front());
  ASSERT_TRUE(packet);
  (void)other.on_rtp(wire_.now, *packet);
  EXPECT_EQ(other.counts().misrouted, 1U);
  EXPECT_EQ(other.counters().received(), 0U);
}

TEST_P(StreamsTest, AfterAStallTheMissedFramesAreLeftOut) {
  turn(start_ + milliseconds(50), [](std::size_t) { return false; });
  wire_.packets.clear();
  wire_.now = start_ + milliseconds(5'000);
  const Duration late = sender_.produce(wire_.now, wire_);
  EXPECT_GT(late, milliseconds(4'000));
  EXPECT_GT(sender_.frames_left_out(), 100U);
  EXPECT_GT(sender_.next_due(), wire_.now - milliseconds(201));
}

INSTANTIATE_TEST_SUITE_P(Kinds, StreamsTest, testing::Values(MediaKind::audio, MediaKind::video));

using VideoStreamsTest = StreamsTest;

TEST_P(VideoStreamsTest, WritesDescriptorsThatTheServerReads) {
  wire_.now = start_ + milliseconds(40);
  (void)sender_.produce(wire_.now, wire_);
  ASSERT_GE(wire_.packets.size(), 2U);
  for (std::size_t i = 0; i < wire_.packets.size(); ++i) {
    const auto packet = RtpPacket::parse(wire_.packets[i]);
    ASSERT_TRUE(packet);
    const auto descriptor = Vp8Descriptor::parse(packet->payload());
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(descriptor->key_frame, i == 0);
    EXPECT_TRUE(descriptor->picture_id_is_15_bits);
    EXPECT_TRUE(descriptor->tl0_picture_index);
    EXPECT_EQ(packet->marker(), i + 1 == wire_.packets.size());
    if (i == 0) {
      EXPECT_EQ(descriptor->width, 640);
      EXPECT_EQ(descriptor->height, 360);
    }
  }
}

TEST_P(VideoStreamsTest, RepairsWhatIsAskedForByRtx) {
  for (int ms = 0; ms < 500; ms += 5) turn(start_ + milliseconds(ms), [](std::size_t n) { return n == 9 || n == 10; });
  EXPECT_EQ(receiver_.counters().lost(), 2U);
  std::array<SequenceNumber, 16> asked{};
  const std::size_t count = receiver_.poll_nack(start_ + milliseconds(600), asked);
  ASSERT_EQ(count, 2U);
  for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(sender_.retransmit(asked[i], wire_));
  deliver(start_ + milliseconds(610), [](std::size_t) { return false; });
  EXPECT_EQ(receiver_.counters().lost(), 0U);
  EXPECT_EQ(receiver_.counts().repaired, 2U);
  EXPECT_EQ(receiver_.frames().counts().skipped, 0U);
}

TEST_P(VideoStreamsTest, SendsAKeyFrameWhenAsked) {
  for (int ms = 0; ms < 200; ms += 5) turn(start_ + milliseconds(ms), [](std::size_t) { return false; });
  EXPECT_EQ(sender_.key_frames(), 1U);
  sender_.request_key_frame();
  for (int ms = 200; ms < 300; ms += 5) turn(start_ + milliseconds(ms), [](std::size_t) { return false; });
  EXPECT_EQ(sender_.key_frames(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Video, VideoStreamsTest, testing::Values(MediaKind::video));

}  // namespace
}  // namespace sluice::load
