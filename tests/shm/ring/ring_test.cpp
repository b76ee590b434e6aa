#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "shm/ring/ring_consumer.hpp"
#include "shm/ring/ring_producer.hpp"

namespace sluice {
namespace {

using Ring = RingLayout<256>;

std::vector<std::byte> message(std::size_t size, unsigned seed) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(seed * 31 + i);
  return bytes;
}

class RingTest : public testing::Test {
 protected:
  std::optional<std::vector<std::byte>> pop() {
    const auto size = consumer_.try_pop(scratch_);
    EXPECT_TRUE(size);
    if (!size || !*size) return std::nullopt;
    return std::vector<std::byte>(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(**size));
  }
  std::unique_ptr<Ring> ring_ = std::make_unique<Ring>();
  RingProducer producer_{*ring_};
  RingConsumer consumer_{*ring_};
  std::vector<std::byte> scratch_ = std::vector<std::byte>(256);
};

TEST_F(RingTest, is_empty_at_first) {
  EXPECT_FALSE(pop());
}

TEST_F(RingTest, gives_messages_in_order_and_whole_for_every_size_at_every_place) {
  for (std::size_t size = 0; size <= 248; ++size) {
    for (unsigned turn = 0; turn < 40; ++turn) {
      ASSERT_EQ(producer_.try_push(message(size, turn)), PushResult::ok);
      ASSERT_EQ(pop(), message(size, turn));
    }
  }
  EXPECT_FALSE(pop());
}

TEST_F(RingTest, refuses_what_would_never_fit) {
  EXPECT_EQ(producer_.try_push(message(248, 0)), PushResult::ok);
  EXPECT_TRUE(pop());
  EXPECT_EQ(producer_.try_push(message(249, 0)), PushResult::too_large);
  EXPECT_EQ(producer_.try_push(message(100'000, 0)), PushResult::too_large);
}

TEST_F(RingTest, is_full_until_something_is_consumed_and_loses_nothing) {
  unsigned pushed = 0;
  while (producer_.try_push(message(24, pushed)) == PushResult::ok) ++pushed;
  EXPECT_EQ(pushed, 8U);
  EXPECT_EQ(producer_.backlog_bytes(), 256U);
  EXPECT_EQ(pop(), message(24, 0));
  EXPECT_EQ(producer_.try_push(message(24, pushed)), PushResult::ok);
  EXPECT_EQ(producer_.try_push(message(24, 0)), PushResult::full);
  for (unsigned i = 1; i <= pushed; ++i) EXPECT_EQ(pop(), message(24, i));
  EXPECT_FALSE(pop());
  EXPECT_EQ(producer_.backlog_bytes(), 0U);
}

TEST_F(RingTest, goes_on_with_new_ends_over_the_same_memory) {
  std::mt19937 random(4);
  unsigned pushed = 0;
  unsigned popped = 0;
  for (unsigned turn = 0; turn < 2000; ++turn) {
    if (random() % 5 == 0) producer_ = RingProducer(*ring_);
    if (random() % 5 == 0) consumer_ = RingConsumer(*ring_);
    if (random() % 2 == 0 && producer_.try_push(message(pushed % 60, pushed)) == PushResult::ok) ++pushed;
    if (random() % 2 == 0) {
      if (const auto got = pop()) {
        ASSERT_EQ(*got, message(popped % 60, popped));
        ++popped;
      }
    }
  }
  EXPECT_GT(popped, 500U);
}

TEST_F(RingTest, skips_a_message_that_is_longer_than_the_scratch_buffer) {
  ASSERT_EQ(producer_.try_push(message(50, 1)), PushResult::ok);
  ASSERT_EQ(producer_.try_push(message(10, 2)), PushResult::ok);
  std::vector<std::byte> small(20);
  const auto refused = consumer_.try_pop(small);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), RingError::message_too_large);
  EXPECT_EQ(pop(), message(10, 2));
}

TEST_F(RingTest, reports_every_impossible_producer_index_and_recovers) {
  for (const std::uint64_t index : {std::uint64_t{264}, std::uint64_t{1} << 20U, UINT64_MAX, UINT64_MAX - 7}) {
    auto ring = std::make_unique<Ring>();
    ring->header.produced = index;
    RingConsumer consumer(*ring);
    const auto refused = consumer.try_pop(scratch_);
    ASSERT_FALSE(refused) << index;
    EXPECT_EQ(refused.error(), RingError::corrupt);
    RingProducer producer(*ring);
    for (unsigned i = 0; i < 20; ++i) {
      ASSERT_EQ(producer.try_push(message(9, i)), PushResult::ok) << index;
      const auto size = consumer.try_pop(scratch_);
      ASSERT_TRUE(size && *size) << index;
      EXPECT_EQ(**size, 9U);
    }
  }
}

TEST_F(RingTest, takes_an_unaligned_index_as_the_place_before_it_and_may_sleep_on_it) {
  for (const std::uint64_t index : {1, 4, 7}) {
    auto ring = std::make_unique<Ring>();
    ring->header.produced = index;
    ring->header.consumed = 7 - index;
    RingConsumer consumer(*ring);
    const auto empty = consumer.try_pop(scratch_);
    ASSERT_TRUE(empty);
    EXPECT_FALSE(*empty);
    EXPECT_TRUE(consumer.prepare_to_sleep());
    RingProducer producer(*ring);
    ASSERT_EQ(producer.try_push(message(9, 1)), PushResult::ok);
    EXPECT_TRUE(*consumer.try_pop(scratch_));
  }
}

TEST_F(RingTest, reports_impossible_lengths_and_tags) {
  const RecordPrefix bad[] = {{0xffffffffU, RecordPrefix::tag_at(0)},
                              {0xfffffff8U, RecordPrefix::tag_at(0)},
                              {17, RecordPrefix::tag_at(0)},
                              {8, RecordPrefix::tag_at(8)},
                              {8, 0}};
  for (const RecordPrefix& prefix : bad) {
    auto ring = std::make_unique<Ring>();
    RingProducer producer(*ring);
    RingConsumer consumer(*ring);
    ASSERT_EQ(producer.try_push(message(16, 1)), PushResult::ok);
    std::memcpy(ring->data.data(), &prefix, sizeof(prefix));
    const auto refused = consumer.try_pop(scratch_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), RingError::corrupt);
    ASSERT_EQ(producer.try_push(message(16, 2)), PushResult::ok);
    const auto good = consumer.try_pop(scratch_);
    ASSERT_TRUE(good && *good);
    EXPECT_EQ(**good, 16U);
  }
}

TEST_F(RingTest, overwrites_nothing_when_the_consumer_index_is_impossible) {
  unsigned pushed = 0;
  while (producer_.try_push(message(24, pushed)) == PushResult::ok) ++pushed;
  for (const std::uint64_t index : {std::uint64_t{264}, std::uint64_t{1} << 40U, UINT64_MAX}) {
    ring_->header.consumed = index;
    EXPECT_EQ(producer_.try_push(message(24, 0)), PushResult::full);
    RingProducer successor(*ring_);
    EXPECT_EQ(successor.try_push(message(24, 0)), PushResult::full);
  }
  for (unsigned i = 0; i < pushed; ++i) EXPECT_EQ(pop(), message(24, i));
}

TEST_F(RingTest, rings_once_per_sleep_and_never_while_the_consumer_is_awake) {
  EXPECT_TRUE(producer_.should_ring());  // a new producer rings once: its predecessor may have died before it did
  EXPECT_FALSE(producer_.should_ring());
  EXPECT_TRUE(consumer_.prepare_to_sleep());
  ASSERT_EQ(producer_.try_push(message(1, 1)), PushResult::ok);
  EXPECT_TRUE(producer_.should_ring());
  EXPECT_FALSE(producer_.should_ring());
  EXPECT_FALSE(consumer_.prepare_to_sleep());  // there is a message
  EXPECT_FALSE(producer_.should_ring());       // and the flag was taken back
  EXPECT_TRUE(pop());
  EXPECT_TRUE(consumer_.prepare_to_sleep());
  consumer_.wake_up();
  EXPECT_FALSE(producer_.should_ring());
}

}  // namespace
}  // namespace sluice
