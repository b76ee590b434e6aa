#include "dataplane/rtp/rtx_sender.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr DataSize packet{1200};
constexpr ExtendedSequenceNumber at(std::int64_t value) {
  return {value};
}

RtxConfig config() {
  RtxConfig result;
  result.first_sequence = {321};
  return result;
}

/// Sends media at `bits_per_second` for `time`, in packets of 1200 bytes.
TimePoint stream(RtxSender& rtx, TimePoint from, Duration time, std::int64_t bits_per_second) {
  const Duration gap(1200LL * 8 * 1'000'000'000 / bits_per_second);
  TimePoint now = from;
  for (; now < from + time; now += gap) rtx.on_media_sent(now, packet);
  return now;
}

TEST(RtxSender, NumbersItsOwnStreamAndGoesOnAfterAdoption) {
  RtxState state;
  RtxSender rtx(state, config());
  EXPECT_EQ(rtx.claim_sequence({100}), at(321));
  EXPECT_EQ(rtx.claim_sequence({100}), at(322));
  RtxSender successor(state, config());
  EXPECT_EQ(successor.claim_sequence({100}), at(323));
  EXPECT_EQ(state.packets, 3U);
  EXPECT_EQ(state.bytes, 300U);
}

TEST(RtxSender, ResendsEachPacketThreeTimesAtMost) {
  RtxState state;
  RtxSender rtx(state, config());
  TimePoint now = start;
  for (int i = 0; i < 3; ++i, now += milliseconds(100)) EXPECT_EQ(rtx.admit(now, at(5), packet), RtxVerdict::send);
  EXPECT_EQ(rtx.admit(now, at(5), packet), RtxVerdict::resent_enough);
  EXPECT_EQ(rtx.admit(now, at(6), packet), RtxVerdict::send);
}

TEST(RtxSender, WaitsAboutOneRttBetweenTwoCopies) {
  struct Case {
    Duration rtt;
    Duration interval;
  };
  for (const Case& c : {Case{Duration(0), milliseconds(20)}, Case{milliseconds(1), milliseconds(10)},
                        Case{milliseconds(200), milliseconds(150)}}) {
    RtxState state;
    RtxSender rtx(state, config());
    if (c.rtt != Duration(0)) rtx.set_rtt(c.rtt);
    EXPECT_EQ(rtx.admit(start, at(5), packet), RtxVerdict::send);
    EXPECT_EQ(rtx.admit(start + c.interval - milliseconds(1), at(5), packet), RtxVerdict::too_soon);
    EXPECT_EQ(rtx.admit(start + c.interval, at(5), packet), RtxVerdict::send);
  }
}

TEST(RtxSender, APacketOutOfTheHistoryGetsNothing) {
  RtxState state;
  RtxSender rtx(state, config());
  EXPECT_EQ(rtx.admit(start, at(2000), packet), RtxVerdict::send);
  EXPECT_EQ(rtx.admit(start, at(2000 - 1024), packet), RtxVerdict::resent_enough);
  EXPECT_EQ(rtx.admit(start, at(2000 + 1024), packet), RtxVerdict::send);
}

TEST(RtxSender, ABurstIsAllowedAndThenAFifthOfTheRate) {
  RtxState state;
  RtxSender rtx(state, config());
  TimePoint now = stream(rtx, start, std::chrono::seconds(5), 1'000'000);
  EXPECT_NEAR(static_cast<double>(rtx.media_rate().bits_per_second), 1e6, 2e4);
  EXPECT_NEAR(static_cast<double>(rtx.budget().bits_per_second), 2e5, 4e3);
  std::int64_t number = 0;
  std::int64_t burst = 0;
  while (rtx.admit(now, at(number++), packet) == RtxVerdict::send) burst += packet.bytes;
  EXPECT_LE(burst, 50'100);  // two seconds of 200 kbit/s
  EXPECT_GE(burst, 24 * 1024 - 1200);
  std::int64_t sent = 0;
  const TimePoint from = now;
  while (now < from + std::chrono::seconds(10)) {
    now = stream(rtx, now, milliseconds(100), 1'000'000);
    while (rtx.admit(now, at(number++), packet) == RtxVerdict::send) sent += packet.bytes;
  }
  EXPECT_NEAR(static_cast<double>(sent) * 8 / 10, 2e5, 1e4);
}

TEST(RtxSender, MeasuredLossRaisesTheBudget) {
  RtxState state;
  RtxSender rtx(state, config());
  stream(rtx, start, std::chrono::seconds(3), 1'000'000);
  rtx.set_fraction_lost(8);  // 3 %: below the share
  EXPECT_NEAR(static_cast<double>(rtx.budget().bits_per_second), 2e5, 4e3);
  rtx.set_fraction_lost(77);  // 30 %
  EXPECT_NEAR(static_cast<double>(rtx.budget().bits_per_second), 4.5e5, 1.2e4);
}

TEST(RtxSender, RefusalsDoNotCountAsTries) {
  RtxState state;
  RtxConfig small = config();
  small.burst = {1200};
  RtxSender rtx(state, small);
  EXPECT_EQ(rtx.admit(start, at(1), packet), RtxVerdict::send);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rtx.admit(start + milliseconds(100 * i), at(2), packet), RtxVerdict::over_budget);
  TimePoint now = stream(rtx, start + std::chrono::seconds(1), std::chrono::seconds(3), 1'000'000);
  EXPECT_EQ(rtx.admit(now, at(2), packet), RtxVerdict::send);
}

}  // namespace
}  // namespace sluice
