#include "control/security/audit/sink_watch.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(SinkWatch, a_sink_that_drops_is_behind_until_it_has_taken_everything_for_half_a_minute) {
  SinkWatch watch("syslog");
  TimePoint now = TimePoint{} + 1h;
  EXPECT_FALSE(watch.look(5, 0, now));
  EXPECT_TRUE(watch.look(5, 1, now += 1s));
  EXPECT_TRUE(watch.problem().starts_with("syslog ")) << watch.problem();
  EXPECT_FALSE(watch.look(5, 7, now += 1s)) << "told once";
  EXPECT_FALSE(watch.look(8, 7, now += 29s));
  EXPECT_TRUE(watch.look(8, 7, now += 1s));
  EXPECT_TRUE(watch.problem().empty());
  EXPECT_TRUE(watch.look(8, 8, now += 1s)) << "and again";
}

TEST(SinkWatch, that_nothing_comes_does_not_make_a_sink_well) {
  SinkWatch watch("syslog");
  TimePoint now = TimePoint{} + 1h;
  EXPECT_TRUE(watch.look(0, 1, now));
  EXPECT_FALSE(watch.look(0, 1, now += 1h));
  EXPECT_FALSE(watch.problem().empty());
  EXPECT_TRUE(watch.look(1, 1, now += 1s));
}

}  // namespace
}  // namespace sluice
