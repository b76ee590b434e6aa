#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "dataplane/memory/fixed_queue.hpp"
#include "dataplane/memory/fixed_vector.hpp"

namespace sluice {
namespace {

TEST(FixedVector, RefusesTheNewestWhenFull) {
  FixedVector<int, 2> values;
  EXPECT_NE(values.push_back(1), nullptr);
  EXPECT_NE(values.push_back(2), nullptr);
  EXPECT_EQ(values.push_back(3), nullptr);
  EXPECT_EQ(values.size(), 2U);
  EXPECT_EQ(values.back(), 2);
}

TEST(FixedVector, OwnsAndMovesWhatCannotBeCopied) {
  FixedVector<std::unique_ptr<int>, 4> values;
  for (int i = 0; i < 4; ++i) (void)values.push_back(std::make_unique<int>(i));
  FixedVector<std::unique_ptr<int>, 4> moved(std::move(values));
  EXPECT_EQ(moved.size(), 4U);
  EXPECT_TRUE(values.empty());  // NOLINT(bugprone-use-after-move)
  moved.erase_at(1);
  ASSERT_EQ(moved.size(), 3U);
  EXPECT_EQ(*moved[0], 0);
  EXPECT_EQ(*moved[1], 2);
  EXPECT_EQ(*moved[2], 3);
  values = std::move(moved);
  EXPECT_EQ(*values.back(), 3);
}

TEST(FixedVectorDeathTest, StopsAtAnIndexBeyondTheEnd) {
  FixedVector<int, 2> values;
  (void)values.push_back(1);
  EXPECT_DEATH((void)values[1], "");
}

TEST(FixedQueue, KeepsOrderOverItsWrapAndRefusesWhenFull) {
  FixedQueue<int> queue(3);
  EXPECT_EQ(queue.capacity(), 3U);
  std::deque<int> model;
  std::mt19937 random(1);
  for (int i = 0; i < 10000; ++i) {
    if (random() % 2 == 0) {
      EXPECT_EQ(queue.push(i), model.size() < 3);
      if (model.size() < 3) model.push_back(i);
    } else {
      const std::optional<int> value = queue.pop();
      ASSERT_EQ(value.has_value(), !model.empty());
      if (value) {
        EXPECT_EQ(*value, model.front());
        model.pop_front();
      }
    }
    ASSERT_EQ(queue.size(), model.size());
    for (std::size_t at = 0; at < model.size(); ++at) ASSERT_EQ(queue[at], model[at]);
  }
}

TEST(FixedQueue, ReleasesWhatWasPoppedAtOnce) {
  FixedQueue<std::shared_ptr<int>> queue(2);
  const auto value = std::make_shared<int>(1);
  EXPECT_TRUE(queue.push(value));
  EXPECT_EQ(value.use_count(), 2);
  (void)queue.pop();
  EXPECT_EQ(value.use_count(), 1);
}

TEST(FixedQueue, LeavesTheValueWithTheCallerWhenFull) {
  FixedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.push(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.push(std::move(second)));
  EXPECT_NE(second, nullptr);  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace sluice
