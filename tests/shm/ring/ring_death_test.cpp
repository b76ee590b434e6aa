// Either end dies at every publication point; the other end, and the successor, must find a valid prefix.
#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <vector>

#include "shm/region/region.hpp"
#include "shm/ring/ring_consumer.hpp"
#include "shm/ring/ring_producer.hpp"
#include "tests/support/doomed_child.hpp"

namespace sluice {
namespace {

using Ring = RingLayout<128>;

// What the dying child got done, seen by the parent.
struct Stage {
  Ring ring;
  std::atomic<std::uint32_t> completed;
};

class RingDeath : public testing::Test {
 protected:
  void SetUp() override { region_ = *Region::create("ring", sizeof(Stage)); }
  Stage& renew() {
    std::memset(region_.bytes().data(), 0, sizeof(Stage));
    return *std::launder(reinterpret_cast<Stage*>(region_.bytes().data()));
  }
  static bool push(RingProducer& producer, std::uint32_t number, auto step) {
    // 20 bytes of message in 32 of a ring of 128: the fifth waits for room, and messages wrap.
    std::byte bytes[20];
    std::memset(bytes, static_cast<int>(number), sizeof(bytes));
    std::memcpy(bytes, &number, sizeof(number));
    return producer.try_push(bytes, step) == PushResult::ok;
  }
  static std::optional<std::uint32_t> pop(RingConsumer& consumer, auto step) {
    std::byte bytes[64];
    const auto size = consumer.try_pop(bytes, step);
    EXPECT_TRUE(size);
    if (!size || !*size) return std::nullopt;
    std::uint32_t number = 0;
    std::memcpy(&number, bytes, sizeof(number));
    EXPECT_EQ(**size, 20U);
    EXPECT_EQ(bytes[19], static_cast<std::byte>(number));
    return number;
  }
  Region region_;
};

TEST_F(RingDeath, of_the_producer_leaves_every_published_message_and_nothing_else) {
  const unsigned steps = test::for_every_fatal_step([&](unsigned fatal) {
    Stage& stage = renew();
    RingConsumer consumer(stage.ring);
    const auto end = test::run_doomed(fatal, [&](auto step) {
      RingProducer producer(stage.ring);
      for (std::uint32_t number = 1; number <= 3; ++number) {
        push(producer, number, step);
        ++stage.completed;
        (void)producer.should_ring(step);
      }
    });
    const std::uint32_t completed = stage.completed;
    std::uint32_t popped = 0;
    while (const auto number = pop(consumer, NoSteps{})) EXPECT_EQ(*number, ++popped);
    EXPECT_GE(popped, completed);
    EXPECT_LE(popped, completed + 1);
    // The consumer had gone to sleep; whatever the dead one still owed it, the successor rings.
    EXPECT_TRUE(consumer.prepare_to_sleep());
    RingProducer successor(stage.ring);
    EXPECT_TRUE(successor.should_ring());
    EXPECT_TRUE(push(successor, popped + 1, NoSteps{}));
    EXPECT_EQ(pop(consumer, NoSteps{}), popped + 1);
    return end;
  });
  EXPECT_GE(steps, 12U);
}

TEST_F(RingDeath, of_the_consumer_repeats_or_loses_at_most_the_message_in_hand) {
  const unsigned steps = test::for_every_fatal_step([&](unsigned fatal) {
    Stage& stage = renew();
    RingProducer producer(stage.ring);
    for (std::uint32_t number = 1; number <= 4; ++number) EXPECT_TRUE(push(producer, number, NoSteps{}));
    const auto end = test::run_doomed(fatal, [&](auto step) {
      RingConsumer consumer(stage.ring);
      while (pop(consumer, step)) ++stage.completed;
      (void)consumer.prepare_to_sleep(step);
    });
    const std::uint32_t completed = stage.completed;
    RingConsumer successor(stage.ring);
    std::optional<std::uint32_t> first = pop(successor, NoSteps{});
    if (!first) {
      EXPECT_GE(completed, 3U);
      EXPECT_TRUE(push(producer, 5, NoSteps{}));
      first = pop(successor, NoSteps{});
      EXPECT_EQ(first, 5U);
    } else {
      EXPECT_GE(*first, completed + 1);
      EXPECT_LE(*first, completed + 2);
    }
    std::uint32_t last = *first;
    while (const auto number = pop(successor, NoSteps{})) EXPECT_EQ(*number, ++last);
    EXPECT_GE(last, 4U);
    // The dead one's sleeping flag is gone with it.
    (void)producer.should_ring();
    EXPECT_FALSE(producer.should_ring());
    return end;
  });
  EXPECT_GE(steps, 14U);
}

TEST_F(RingDeath, of_producer_after_producer_never_breaks_the_order) {
  for (unsigned fatal = 1; fatal <= 12; ++fatal) {
    Stage& stage = renew();
    RingConsumer consumer(stage.ring);
    std::uint32_t popped = 0;
    for (unsigned life = 0; life < 12; ++life) {
      (void)test::run_doomed(fatal, [&](auto step) {
        RingProducer producer(stage.ring);
        for (std::uint32_t number = popped + 1; number <= popped + 3; ++number) push(producer, number, step);
      });
      while (const auto number = pop(consumer, NoSteps{})) ASSERT_EQ(*number, ++popped);
    }
    EXPECT_TRUE(fatal < 4 || popped >= 12);
  }
}

}  // namespace
}  // namespace sluice
