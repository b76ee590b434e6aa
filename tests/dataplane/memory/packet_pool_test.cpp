#include "dataplane/memory/packet_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include "dataplane/memory/datagram_sink.hpp"

namespace sluice {
namespace {

TEST(PacketPool, GivesEachSlotOnceAndThenAnEmptyHandle) {
  PacketPool pool(3);
  std::vector<PacketBuffer> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(pool.acquire());
  EXPECT_TRUE(taken[0] && taken[1] && taken[2]);
  EXPECT_NE(taken[0].room().data(), taken[1].room().data());
  EXPECT_EQ(taken[0].capacity(), PacketPool::slot_size);
  EXPECT_EQ(taken[0].size(), 0U);
  EXPECT_FALSE(pool.acquire());
  taken.pop_back();
  EXPECT_EQ(pool.free_slots(), 1U);
  EXPECT_TRUE(pool.acquire());
}

TEST(PacketPool, TakesASlotBackFromMovedAndOverwrittenHandlesExactlyOnce) {
  PacketPool pool(2);
  PacketBuffer a = pool.acquire();
  a.resize(10);
  PacketBuffer b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): moved-from is defined to be empty
  EXPECT_EQ(b.size(), 10U);
  EXPECT_EQ(pool.free_slots(), 1U);
  b = pool.acquire();
  EXPECT_EQ(pool.free_slots(), 1U);
  b = PacketBuffer{};
  EXPECT_EQ(pool.free_slots(), 2U);
  b.reset();
  EXPECT_EQ(pool.free_slots(), 2U);
}

TEST(PacketPool, CopiesWhatFitsAndRefusesWhatDoesNot) {
  PacketPool pool(1);
  PacketBuffer buffer = pool.acquire();
  std::vector<std::byte> source(PacketPool::slot_size, std::byte{7});
  EXPECT_TRUE(buffer.assign(source));
  EXPECT_EQ(buffer.bytes().back(), std::byte{7});
  source.push_back(std::byte{8});
  EXPECT_FALSE(buffer.assign(source));
  EXPECT_EQ(buffer.size(), PacketPool::slot_size);
  EXPECT_FALSE(PacketBuffer{}.assign(Bytes(source).first(1)));
}

TEST(PacketPool, WorksInMemoryOfTheCaller) {
  std::vector<std::byte> memory(PacketPool::slot_size * 4 + 100);
  PacketPool pool{MutableBytes(memory)};
  EXPECT_EQ(pool.slots(), 4U);
  PacketBuffer buffer = pool.acquire();
  EXPECT_EQ(buffer.room().data(), memory.data());
  EXPECT_EQ(buffer.slot(), 0U);
}

TEST(PacketPool, TakesBackASlotThatWasLentToTheKernel) {
  PacketPool pool(1);
  PacketBuffer buffer = pool.acquire();
  const std::uint32_t slot = buffer.detach();
  EXPECT_FALSE(buffer);
  EXPECT_EQ(pool.free_slots(), 0U);
  buffer = pool.attach(slot, 77);
  EXPECT_EQ(buffer.size(), 77U);
  buffer.reset();
  EXPECT_EQ(pool.free_slots(), 1U);
}

TEST(PacketPoolDeathTest, StopsAtOurOwnMistakes) {
  PacketPool pool(1);
  PacketBuffer buffer = pool.acquire();
  EXPECT_DEATH(buffer.resize(PacketPool::slot_size + 1), "");
  const std::uint32_t slot = buffer.slot();
  buffer.reset();
  EXPECT_DEATH((void)pool.attach(slot, 0), "");
}

}  // namespace
}  // namespace sluice
