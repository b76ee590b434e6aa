#include "control/supervisor/restart_policy.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(RestartPolicy, RestartsAtOnceThenWithGrowingDelays) {
  RestartPolicy policy;
  TimePoint now{100s};
  policy.started(now);
  for (const Duration delay : {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    const TimePoint again = policy.died(now);
    EXPECT_EQ(again - now, delay);
    now = again;
    policy.started(now);
  }
}

TEST(RestartPolicy, ForgetsTheDeathsBeforeALongLife) {
  RestartPolicy policy;
  TimePoint now{100s};
  policy.started(now);
  for (int i = 0; i < 5; ++i) (void)policy.died(now);
  policy.started(now);
  now += 10s;
  EXPECT_EQ(policy.died(now), now);
  EXPECT_EQ(policy.deaths(), 1U);
}

TEST(RestartPolicy, StaysBoundedForever) {
  RestartPolicy policy;
  const TimePoint now{100s};
  policy.started(now);
  for (int i = 0; i < 1000; ++i) (void)policy.died(now);
  EXPECT_EQ(policy.died(now) - now, 5s);
}

}  // namespace
}  // namespace sluice::supervisor
