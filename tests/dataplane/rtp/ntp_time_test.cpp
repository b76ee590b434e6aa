#include "dataplane/rtp/ntp_time.hpp"

#include <gtest/gtest.h>

#include "dataplane/rtp/rtt_estimator.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;

TEST(NtpTime, ConvertsPointsAndDifferences) {
  const TimePoint time{std::chrono::seconds(12) + milliseconds(500)};
  EXPECT_EQ(to_ntp(time).value, (ntp_epoch_seconds + 12) << 32U | 0x8000'0000U);
  for (const Duration step :
       {Duration(0), Duration(milliseconds(1)), Duration(std::chrono::hours(48)), Duration(-milliseconds(1500))}) {
    EXPECT_NEAR(static_cast<double>((between(to_ntp(time + step), to_ntp(time)) - step).count()), 0, 2);
  }
}

TEST(NtpTime, CompactFormsSaturate) {
  EXPECT_EQ(NtpTime{0x1111'2222'3333'4444U}.compact(), 0x2222'3333U);
  EXPECT_EQ(to_compact(milliseconds(1500)), 0x1'8000U);
  EXPECT_EQ(to_compact(-milliseconds(1)), 0U);
  EXPECT_EQ(to_compact(std::chrono::hours(24)), 0xffff'ffffU);
  EXPECT_EQ(from_compact(0x1'8000U), milliseconds(1500));
}

TEST(RttEstimator, SmoothsAndClamps) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.rtt(milliseconds(100)), milliseconds(100));
  rtt.on_sample(milliseconds(80));
  EXPECT_EQ(rtt.rtt(milliseconds(100)), milliseconds(80));
  rtt.on_sample(milliseconds(160));
  EXPECT_EQ(rtt.rtt({}), milliseconds(90));
  rtt.on_sample(std::chrono::hours(1));
  EXPECT_LT(rtt.rtt({}), milliseconds(1400));
}

}  // namespace
}  // namespace sluice
