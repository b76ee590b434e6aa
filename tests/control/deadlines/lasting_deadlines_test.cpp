#include "control/deadlines/lasting_deadlines.hpp"

#include <gtest/gtest.h>

#include "shm/region/region.hpp"
#include "shm/types/bytes.hpp"
#include "tests/support/room_world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct Deadlines : ::testing::Test {
  test::RoomWorld world;
  Region region = *Region::create("deadlines-test", std::size_t{1} << 20U);
  StateLog log = *StateLog::open(std::move(*Region::map(region.fd(), Access::read_write)));
  const PeerId a{"a"};
  const PeerId b{"b"};

  LastingDeadlines make() { return {log, "due/", {world.clock(), test::RoomWorld::unix_clock()}}; }
  LastingDeadlines successor(Duration longest = 1h) {
    LastingDeadlines made = make();
    made.restore([this](const PeerId& peer) { return peer == a || peer == b; }, longest);
    return made;
  }
};

TEST_F(Deadlines, are_the_same_for_a_successor) {
  auto first = make();
  first.set(a, 10s);
  first.set(b, 20s);
  const TimePoint begin = world.now;
  world.now += 4s;
  auto second = successor();
  EXPECT_EQ(second.next(), begin + 10s);
  world.now += 4s;
  auto third = successor();  // and for its successor: nothing adds up
  EXPECT_EQ(third.next(), begin + 10s);
  EXPECT_EQ(third.take_due(begin + 10s), std::vector<PeerId>{a});
  EXPECT_EQ(third.next(), begin + 20s);
}

TEST_F(Deadlines, that_passed_meanwhile_are_due_at_once) {
  auto first = make();
  first.set(a, 1s);
  world.now += 1h;
  auto second = successor();
  EXPECT_EQ(second.take_due(world.now), std::vector<PeerId>{a});
}

TEST_F(Deadlines, that_were_met_stay_known_and_are_never_due) {
  auto first = make();
  first.set(a, 1s);
  first.meet(a);
  first.meet(b);  // was never asked
  auto second = successor();
  EXPECT_TRUE(second.knows(a));
  EXPECT_FALSE(second.knows(b));
  EXPECT_EQ(second.next(), never);
}

TEST_F(Deadlines, of_who_left_are_forgotten) {
  auto first = make();
  first.set(a, 1s);
  first.set(PeerId("stranger"), 1s);
  first.erase(a);
  auto second = successor();
  EXPECT_FALSE(second.knows(a));
  EXPECT_EQ(second.next(), never);
  EXPECT_EQ(log.size(), 0U);
}

TEST_F(Deadlines, are_never_further_away_than_they_can_be) {
  const std::string far = std::to_string(world.unix_now() + 1'000'000'000);
  ASSERT_TRUE(log.put("due/a", as_bytes(far)));
  for (const char* damaged : {"", "x", "-5", "5x", "99999999999999999999"}) {
    ASSERT_TRUE(log.put("due/b", as_bytes(std::string_view(damaged))));
    auto second = successor(30s);
    EXPECT_EQ(second.next(), world.now + 30s);
    EXPECT_FALSE(second.knows(b)) << damaged;
  }
}

}  // namespace
}  // namespace sluice
