#include "dataplane/bwe/pacing_queue.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
using Item = std::unique_ptr<int>;  // moves only, like a packet buffer

Item item(int value) {
  return std::make_unique<int>(value);
}

std::vector<int> drain(PacingQueue<Item>& queue, TimePoint now = start) {
  std::vector<int> result;
  queue.drain(now, [&](SendClass, DataSize, Item&& i) { result.push_back(*i); });
  return result;
}

TEST(PacingQueue, LetsEverythingGoAtOnceByPriority) {
  AtOncePolicy policy;
  PacingQueue<Item> queue(policy);
  EXPECT_EQ(queue.next_deadline(start), never);
  queue.push(SendClass::padding, {100}, item(7));
  queue.push(SendClass::video, {1200}, item(5));
  queue.push(SendClass::video, {1200}, item(6));
  queue.push(SendClass::rtx, {1200}, item(3));
  queue.push(SendClass::audio, {100}, item(1));
  queue.push(SendClass::rtx, {1200}, item(4));
  queue.push(SendClass::audio, {100}, item(2));
  EXPECT_EQ(queue.size(), 7U);
  EXPECT_EQ(queue.next_deadline(start), start);
  EXPECT_EQ(drain(queue), (std::vector<int>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(queue.empty());
}

TEST(PacingQueue, FullVideoRefusesTheNewestAndTheRestDropTheOldest) {
  AtOncePolicy policy;
  PacingQueue<Item> queue(policy, {2, 2, 2, 2});
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(queue.push(SendClass::video, {1}, item(10 + i)));
    EXPECT_FALSE(queue.push(SendClass::audio, {1}, item(i)));
  }
  const auto refused = queue.push(SendClass::video, {1}, item(12));
  ASSERT_TRUE(refused);
  EXPECT_EQ(**refused, 12);
  const auto dropped = queue.push(SendClass::audio, {1}, item(2));
  ASSERT_TRUE(dropped);
  EXPECT_EQ(**dropped, 0);
  EXPECT_EQ(queue.dropped_total(), 2U);
  EXPECT_EQ(queue.size(), 4U);
  EXPECT_EQ(drain(queue), (std::vector<int>{1, 2, 10, 11}));
}

TEST(PacingQueue, AClassWithoutRoomGivesEverythingBack) {
  AtOncePolicy policy;
  PacingQueue<Item> queue(policy, {1, 1, 1, 0});
  EXPECT_TRUE(queue.push(SendClass::padding, {1}, item(1)));
  EXPECT_TRUE(queue.empty());
}

/// Two packets or 2000 bytes every 5 ms.
class Paced final : public PacingPolicy {
 public:
  PacingQuantum quantum(TimePoint now) noexcept override {
    if (now < next_) return {};
    next_ = now + milliseconds(5);
    return {{2000}, 2};
  }
  void on_sent(TimePoint, DataSize size) noexcept override { sent_ += size; }
  TimePoint next_quantum(TimePoint) const noexcept override { return next_; }
  DataSize sent_;

 private:
  TimePoint next_ = start;
};

TEST(PacingQueue, APolicyHoldsBackAndIsToldWhatLeft) {
  Paced policy;
  PacingQueue<Item> queue(policy);
  for (int i = 0; i < 3; ++i) queue.push(SendClass::video, {900}, item(i));
  EXPECT_EQ(drain(queue), (std::vector<int>{0, 1}));
  EXPECT_TRUE(drain(queue).empty());
  EXPECT_EQ(queue.next_deadline(start), start + milliseconds(5));
  queue.push(SendClass::audio, {1900}, item(9));
  queue.push(SendClass::audio, {1900}, item(8));
  EXPECT_EQ(drain(queue, start + milliseconds(5)), (std::vector<int>{9, 8}));
  EXPECT_EQ(drain(queue, start + milliseconds(10)), (std::vector<int>{2}));
  EXPECT_EQ(policy.sent_.bytes, 900 * 3 + 1900 * 2);
}

TEST(PacingQueue, APacketPassesOnlyWhenNothingWaits) {
  AtOncePolicy policy;
  PacingQueue<Item> queue(policy);
  EXPECT_TRUE(queue.pass(start, {1200}));
  EXPECT_TRUE(queue.empty());
  queue.push(SendClass::padding, {100}, item(1));
  EXPECT_FALSE(queue.pass(start, {1200})) << "not past what waits";
  EXPECT_EQ(drain(queue), std::vector<int>{1});
  EXPECT_TRUE(queue.pass(start, {1200}));
}

TEST(PacingQueue, GoesRoundItsRingForever) {
  AtOncePolicy policy;
  PacingQueue<Item> queue(policy, {3, 3, 3, 3});
  int next = 0;
  int expected = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 1 + round % 3; ++i) queue.push(SendClass::video, {1}, item(next++));
    for (const int value : drain(queue)) EXPECT_EQ(value, expected++);
  }
}

}  // namespace
}  // namespace sluice
