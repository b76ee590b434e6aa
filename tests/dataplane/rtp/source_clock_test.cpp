#include "dataplane/rtp/source_clock.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr std::uint64_t remote_base = std::uint64_t{3'900'123'456} << 32U;

/// The remote NTP time at our time `t`, for a remote clock that is exact.
NtpTime remote(TimePoint t) {
  return {remote_base + to_ntp(t).value - to_ntp(start).value};
}

TEST(PublisherClock, KnowsNothingBeforeTheFirstReport) {
  PublisherClockState state;
  PublisherClock clock(state);
  EXPECT_FALSE(clock.known());
  EXPECT_FALSE(clock.to_server({1}));
}

TEST(PublisherClock, TheShortestWayCounts) {
  PublisherClockState state;
  PublisherClock clock(state);
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    const TimePoint sent = start + std::chrono::seconds(i);
    clock.on_sender_report(sent + milliseconds(20 + random() % 200 + (i == 10 ? 0 : 1)), remote(sent));
  }
  const TimePoint sent = start + std::chrono::seconds(50);
  clock.on_sender_report(sent + milliseconds(20), remote(sent));
  EXPECT_NEAR(static_cast<double>((*clock.to_server(remote(start)) - start).count()), 20e6, 10);
}

TEST(PublisherClock, FollowsDriftWithinTwoWindows) {
  PublisherClockState state;
  PublisherClock clock(state);
  // The remote clock is 100 ppm slow: the offset grows by 0.1 ms a second.
  for (int i = 0; i <= 600; ++i) {
    const TimePoint sent = start + std::chrono::seconds(i);
    clock.on_sender_report(sent, remote(start + Duration(std::int64_t{i} * 999'900'000)));
  }
  const auto error =
      *clock.to_server(remote(start + Duration(std::int64_t{600} * 999'900'000))) - (start + std::chrono::seconds(600));
  EXPECT_LE(std::chrono::abs(error), milliseconds(13));
}

TEST(PublisherClock, BeginsAnewWhenTheClockWasSet) {
  PublisherClockState state;
  PublisherClock clock(state);
  clock.on_sender_report(start, remote(start));
  const NtpTime set = {remote(start).value + (std::uint64_t{3600} << 32U)};
  clock.on_sender_report(start, set);
  EXPECT_EQ(*clock.to_server(set), start);
}

TEST(SourceClock, MapsTimestampsBothWaysOverTheirWrap) {
  PublisherClockState publisher_state;
  PublisherClock publisher(publisher_state);
  SourceClockState state;
  SourceClock clock(state, publisher, 90'000);
  EXPECT_FALSE(clock.capture_time(0));
  publisher.on_sender_report(start, remote(start));
  EXPECT_FALSE(clock.known());
  clock.on_sender_report(start, remote(start), 0xffff'fff0U);
  EXPECT_EQ(*clock.capture_time(0xffff'fff0U), start);
  EXPECT_EQ(*clock.capture_time(0xffff'fff0U + 9000U), start + milliseconds(100));
  EXPECT_EQ(*clock.capture_time(0xffff'fff0U - 9000U), start - milliseconds(100));
  EXPECT_EQ(*clock.timestamp_at(start + milliseconds(100)), 0xffff'fff0U + 9000U);
  EXPECT_EQ(*clock.timestamp_at(start - milliseconds(100)), 0xffff'fff0U - 9000U);
  EXPECT_EQ(*clock.timestamp_at(start + std::chrono::hours(2)), 0xffff'fff0U + 648'000'000U);
}

TEST(SourceClock, AnOvertakenReportIsIgnored) {
  PublisherClockState publisher_state;
  PublisherClock publisher(publisher_state);
  SourceClockState state;
  SourceClock clock(state, publisher, 90'000);
  clock.on_sender_report(start, remote(start), 100);
  clock.on_sender_report(start, remote(start - milliseconds(10)), 50);
  EXPECT_EQ(state.rtp_timestamp, 100U);
}

TEST(SourceClock, LayersOfOneCaptureAreInStep) {
  PublisherClockState publisher_state;
  PublisherClock publisher(publisher_state);
  SourceClockState a_state;
  SourceClockState b_state;
  SourceClock a(a_state, publisher, 90'000);
  SourceClock b(b_state, publisher, 90'000);
  publisher.on_sender_report(start, remote(start));
  a.on_sender_report(start, remote(start), 1'000'000);
  EXPECT_FALSE(elapsed_between(a, 0, b, 0));
  b.on_sender_report(start + milliseconds(500), remote(start + milliseconds(500)), 5000 + 45'000);
  // a's frame of start + 1 s, b's frame of start + 1.1 s
  EXPECT_NEAR(static_cast<double>(elapsed_between(a, 1'090'000, b, 5000 + 99'000)->count()), 100e6, 20);
}

}  // namespace
}  // namespace sluice
