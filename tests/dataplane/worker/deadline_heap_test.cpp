#include "dataplane/worker/deadline_heap.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sluice {
namespace {

TimePoint at(int ms) {
  return TimePoint{std::chrono::milliseconds(ms)};
}

TEST(DeadlineHeap, KnowsTheEarliest) {
  DeadlineHeap heap(4);
  EXPECT_EQ(heap.next(), never);
  heap.set(2, at(50));
  heap.set(0, at(30));
  heap.set(3, at(40));
  EXPECT_EQ(heap.next(), at(30));
  EXPECT_EQ(heap.next_slot(), 0U);
  heap.set(0, at(60));
  EXPECT_EQ(heap.next_slot(), 3U);
  heap.set(3, never);
  EXPECT_EQ(heap.next_slot(), 2U);
  heap.set(3, never);  // not in it: nothing happens
  heap.set(2, never);
  heap.set(0, never);
  EXPECT_EQ(heap.next(), never);
}

TEST(DeadlineHeap, LowersOnlyTowardsNow) {
  DeadlineHeap heap(2);
  heap.lower(1, at(50));
  EXPECT_EQ(heap.next(), at(50)) << "an absent slot enters";
  heap.lower(1, at(70));
  EXPECT_EQ(heap.next(), at(50));
  heap.lower(1, at(20));
  EXPECT_EQ(heap.next(), at(20));
  heap.lower(0, never);
  EXPECT_EQ(heap.next_slot(), 1U);
}

TEST(DeadlineHeap, AgreesWithAMap) {
  std::mt19937 random(7);
  constexpr std::uint32_t slots = 40;
  DeadlineHeap heap(slots);
  std::map<std::uint32_t, TimePoint> model;
  for (int i = 0; i < 20'000; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % slots);
    const TimePoint deadline = random() % 4 == 0 ? never : at(static_cast<int>(random() % 500));
    if (random() % 2 == 0) {
      heap.set(slot, deadline);
      model[slot] = deadline;
    } else {
      heap.lower(slot, deadline);
      const auto found = model.find(slot);
      if (found == model.end() || deadline < found->second) model[slot] = deadline;
    }
    TimePoint least = never;
    for (const auto& [s, d] : model) least = std::min(least, d);
    ASSERT_EQ(heap.next(), least) << i;
    if (least == never) continue;
    ASSERT_EQ(model[heap.next_slot()], least) << i;
  }
}

}  // namespace
}  // namespace sluice
