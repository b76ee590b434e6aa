#include "control/supervisor/restart_policy.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(RestartPolicy, BacksOffWhenDeathsAreQuick) {
  RestartPolicy policy;
  TimePoint now{100s};
  policy.started(now);
  for (const Duration delay : {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    const TimePoint again = policy.died(now, {.worked = true});
    EXPECT_EQ(again - now, delay);
    now = again;
    policy.started(now);
  }
}

TEST(RestartPolicy, HealsAHundredDeathsASecondApartAtOnce) {
  RestartPolicy policy;
  TimePoint now{100s};
  for (int i = 0; i < 100; ++i) {
    policy.started(now);
    now += 1s;
    EXPECT_EQ(policy.died(now, {.worked = true, .own_act = true}), now);
    EXPECT_FALSE(policy.take_last_resort(now));
  }
}

TEST(RestartPolicy, BacksOffForWhatLivesButNeverWorks) {
  RestartPolicy policy;
  TimePoint now{100s};
  policy.started(now);
  EXPECT_EQ(policy.died(now + 15s, {}), now + 15s);
  now += 20s;
  policy.started(now);
  EXPECT_EQ(policy.died(now + 15s, {}), now + 15s + 100ms);
}

TEST(RestartPolicy, ForgetsQuickDeathsAfterAProvenLife) {
  RestartPolicy policy;
  TimePoint now{100s};
  policy.started(now);
  for (int i = 0; i < 5; ++i) (void)policy.died(now, {});
  EXPECT_EQ(policy.deaths(), 5U);
  policy.started(now);
  now += 1s;
  EXPECT_EQ(policy.died(now, {.worked = true}), now);
  EXPECT_EQ(policy.deaths(), 0U);
}

TEST(RestartPolicy, StaysBoundedForever) {
  RestartPolicy policy;
  const TimePoint now{100s};
  policy.started(now);
  for (int i = 0; i < 1000; ++i) (void)policy.died(now, {});
  EXPECT_EQ(policy.died(now, {}) - now, 5s);
}

TEST(RestartPolicy, AsksForABlankStartAfterThreeQuickDeathsByTheirOwnAct) {
  RestartPolicy policy;
  TimePoint now{100s};
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(policy.take_last_resort(now));
    policy.started(now);
    now = policy.died(now + 10ms, {.worked = true, .own_act = true});
  }
  EXPECT_TRUE(policy.take_last_resort(now));
  EXPECT_FALSE(policy.take_last_resort(now)) << "once";
}

TEST(RestartPolicy, DoesNotTakeKillsFromOutsideForPoison) {
  RestartPolicy policy;
  TimePoint now{100s};
  for (int i = 0; i < 20; ++i) {
    policy.started(now);
    now = policy.died(now + 10ms, {.worked = true});
    EXPECT_FALSE(policy.take_last_resort(now));
  }
}

TEST(RestartPolicy, ForgetsDeathsThatAreTooLongAgo) {
  RestartPolicy policy;
  TimePoint now{100s};
  for (int i = 0; i < 3; ++i) {
    policy.started(now);
    now = policy.died(now + 10ms, {.worked = true, .own_act = true}) + 6s;
  }
  EXPECT_FALSE(policy.take_last_resort(now));
}

}  // namespace
}  // namespace sluice::supervisor
