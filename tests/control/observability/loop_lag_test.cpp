#include "control/observability/loop_lag.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(LoopLag, SeesHowLateTheLoopIsAndForgetsAfterTenSeconds) {
  TimePoint now{};
  LoopLag lag(now);
  EXPECT_EQ(lag.worst(), 0ms);
  lag.handle_timeout(now + 100ms);  // not due
  EXPECT_EQ(lag.worst(), 0ms);
  now = lag.next_deadline() + 80ms;
  lag.handle_timeout(now);
  EXPECT_EQ(lag.worst(), 80ms);
  EXPECT_EQ(lag.mean(), 80ms);
  for (int i = 0; i < 39; ++i) lag.handle_timeout(lag.next_deadline());
  EXPECT_EQ(lag.worst(), 80ms);
  EXPECT_EQ(lag.mean(), 2ms);
  lag.handle_timeout(lag.next_deadline());
  EXPECT_EQ(lag.worst(), 0ms);
}

}  // namespace
}  // namespace sluice
