#include "control/supervisor/watchdog.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

class WatchdogTest : public testing::Test {
 protected:
  /// Looks every 250 ms for `time`; when it found a hang, or `time` if it did not.
  Duration silence(Duration time, std::uint64_t beats) {
    for (Duration passed{}; passed < time;) {
      passed += 250ms;
      now_ += 250ms;
      if (watchdog_.observe(now_, beats)) return passed;
    }
    return time;
  }
  TimePoint now_{100s};
  Watchdog watchdog_;
};

TEST_F(WatchdogTest, LeavesABeatingChildAlone) {
  watchdog_.restart(now_);
  for (std::uint64_t beats = 1; beats < 100; ++beats) {
    now_ += 250ms;
    EXPECT_FALSE(watchdog_.observe(now_, beats));
  }
}

TEST_F(WatchdogTest, FindsAHangAfterTwoSeconds) {
  watchdog_.restart(now_);
  EXPECT_FALSE(watchdog_.observe(now_, 1));
  EXPECT_EQ(silence(10s, 1), 2s);
}

TEST_F(WatchdogTest, IsMorePatientWithAStart) {
  watchdog_.restart(now_);
  EXPECT_FALSE(watchdog_.has_beaten());
  EXPECT_EQ(silence(60s, 0), 15s);
}

TEST_F(WatchdogTest, StartsAfreshWithANewChild) {
  watchdog_.restart(now_);
  (void)watchdog_.observe(now_, 7);
  EXPECT_EQ(silence(1s, 7), 1s);
  watchdog_.restart(now_);
  EXPECT_EQ(silence(10s, 0), 10s);
}

TEST_F(WatchdogTest, BlamesNobodyForAMachineThatStoodStill) {
  watchdog_.restart(now_);
  EXPECT_FALSE(watchdog_.observe(now_, 1));
  now_ += 1h;
  EXPECT_FALSE(watchdog_.observe(now_, 1));
  now_ += 250ms;
  EXPECT_FALSE(watchdog_.observe(now_, 2));
}

}  // namespace
}  // namespace sluice::supervisor
