#include "dataplane/rtp/sender_reporter.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr std::uint64_t remote_base = std::uint64_t{3'900'123'456} << 32U;
NtpTime remote(TimePoint t) {
  return {remote_base + to_ntp(t).value - to_ntp(start).value};
}

struct Source {
  explicit Source(const PublisherClock& publisher, std::uint32_t rate) : clock(state, publisher, rate) {}
  SourceClockState state;
  SourceClock clock;
};

struct Publisher {
  PublisherClockState state;
  PublisherClock clock{state};
  Source audio{clock, 48'000};
  Source video{clock, 90'000};
};

TEST(SenderReporter, SaysNothingBeforeTheFirstPacket) {
  Publisher p;
  SenderReporterState state;
  SenderReporter reporter(state, 90'000);
  EXPECT_FALSE(reporter.report(start, p.video.clock, 0));
  EXPECT_EQ(reporter.next_deadline(), never);
}

TEST(SenderReporter, CountsAndRepeatsEverySecondWhileSending) {
  Publisher p;
  SenderReporterState state;
  SenderReporter reporter(state, 90'000);
  reporter.on_packet_sent(start, 0, 1000);
  reporter.on_packet_sent(start, 0, 500);
  EXPECT_EQ(reporter.next_deadline(), start);
  const auto report = reporter.report(start, p.video.clock, 0);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->packets, 2U);
  EXPECT_EQ(report->octets, 1500U);
  EXPECT_EQ(report->ntp, to_ntp(start));
  EXPECT_EQ(reporter.next_deadline(), never);  // nothing new to tell
  reporter.on_packet_sent(start + milliseconds(10), 900, 1);
  EXPECT_EQ(reporter.next_deadline(), start + milliseconds(1000));
}

TEST(SenderReporter, ArrivalTimesStandInForAnUnknownClock) {
  Publisher p;
  SenderReporterState state;
  SenderReporter reporter(state, 90'000);
  reporter.on_packet_sent(start, 7000, 1);
  reporter.on_packet_sent(start + milliseconds(5), 4000, 1);  // a late one does not count
  EXPECT_EQ(reporter.report(start + milliseconds(100), p.video.clock, 0)->rtp_timestamp, 7000U + 9000U);
}

TEST(SenderReporter, AudioAndVideoOfAPublisherStayInStepWhateverTheOffsets) {
  Publisher p;
  const auto way = milliseconds(40);
  // At remote time start + 300 ms the audio shows 777 and at start + 900 ms the video 5'000'000; reports come in 40 ms
  // later.
  p.clock.on_sender_report(start + milliseconds(300) + way, remote(start + milliseconds(300)));
  p.audio.clock.on_sender_report(start + milliseconds(300) + way, remote(start + milliseconds(300)), 777);
  p.clock.on_sender_report(start + milliseconds(900) + way, remote(start + milliseconds(900)));
  p.video.clock.on_sender_report(start + milliseconds(900) + way, remote(start + milliseconds(900)), 5'000'000);

  SenderReporterState audio_state;
  SenderReporterState video_state;
  SenderReporter audio(audio_state, 48'000);
  SenderReporter video(video_state, 90'000);
  audio.on_packet_sent(start, 0, 1);
  video.on_packet_sent(start, 0, 1);
  const std::uint32_t audio_offset = 0x9000'0000U;
  const std::uint32_t video_offset = 12'345U;
  const auto a = audio.report(start + milliseconds(2000), p.audio.clock, audio_offset);
  const auto v = video.report(start + milliseconds(2700), p.video.clock, video_offset);

  // A receiver maps a frame to NTP by its stream's report. Both streams' frames captured at start + 1500 ms:
  const std::uint32_t audio_frame = 777U + 48U * 1200U + audio_offset;
  const std::uint32_t video_frame = 5'000'000U + 90U * 600U + video_offset;
  const auto shown = [](const SenderReportData& report, std::uint32_t frame, double rate) {
    return static_cast<double>(between(report.ntp, to_ntp(start)).count()) / 1e9 +
           static_cast<std::int32_t>(frame - report.rtp_timestamp) / rate;
  };
  EXPECT_NEAR(shown(*a, audio_frame, 48e3), shown(*v, video_frame, 90e3), 1e-4);
  EXPECT_NEAR(shown(*a, audio_frame, 48e3), 1.540, 1e-4);
}

TEST(SenderReporter, MeasuresTheRttOnlyFromReportsThatItSent) {
  Publisher p;
  SenderReporterState state;
  SenderReporter reporter(state, 90'000);
  reporter.on_packet_sent(start, 0, 1);
  const auto report = reporter.report(start, p.video.clock, 0);
  const std::uint32_t lsr = report->ntp.compact();
  const TimePoint now = start + milliseconds(250);
  EXPECT_NEAR(static_cast<double>(reporter.round_trip(now, lsr, to_compact(milliseconds(200)))->count()), 50e6, 2e4);
  EXPECT_EQ(reporter.round_trip(now, lsr, to_compact(milliseconds(900))), Duration::zero());  // claims more than passed
  EXPECT_EQ(reporter.round_trip(start + std::chrono::hours(1), lsr, 0), SenderReporter::rtt_max);
  EXPECT_FALSE(reporter.round_trip(now, 0, 0));
  EXPECT_FALSE(reporter.round_trip(now, lsr + 1, 0));
  for (int i = 1; i <= 8; ++i) (void)reporter.report(start + std::chrono::seconds(i), p.video.clock, 0);
  EXPECT_FALSE(reporter.round_trip(start + std::chrono::seconds(9), lsr, 0));  // eight newer ones came
  SenderReporter successor(state, 90'000);
  EXPECT_TRUE(successor.round_trip(start + std::chrono::seconds(9), to_ntp(start + std::chrono::seconds(8)).compact(), 0));
}

}  // namespace
}  // namespace sluice
