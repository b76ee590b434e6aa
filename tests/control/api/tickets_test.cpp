#include <gtest/gtest.h>

#include "control/api/dashboard_live.hpp"

namespace sluice {
namespace {

TEST(Tickets, OpenOnceAndNotForLong) {
  SystemEntropy entropy;
  Tickets tickets(entropy);
  const TimePoint now{std::chrono::seconds(100)};
  const std::string one = tickets.issue(now);
  const std::string two = tickets.issue(now);
  EXPECT_NE(one, two);
  EXPECT_GE(one.size(), 40U);
  EXPECT_FALSE(tickets.redeem("", now));
  EXPECT_FALSE(tickets.redeem(one + "x", now));
  EXPECT_TRUE(tickets.redeem(one, now));
  EXPECT_FALSE(tickets.redeem(one, now)) << "used up";
  EXPECT_FALSE(tickets.redeem(two, now + Tickets::lifetime)) << "too late";
}

TEST(Tickets, AreBounded) {
  SystemEntropy entropy;
  Tickets tickets(entropy);
  const TimePoint now{std::chrono::seconds(100)};
  const std::string first = tickets.issue(now);
  for (std::size_t i = 0; i < Tickets::tickets_max; ++i) (void)tickets.issue(now);
  EXPECT_FALSE(tickets.redeem(first, now)) << "the oldest made room";
}

}  // namespace
}  // namespace sluice
