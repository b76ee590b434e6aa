#include "dataplane/memory/flat_table.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <unordered_map>

#include "shm/types/address.hpp"
#include "shm/types/ids.hpp"

namespace sluice {
namespace {

struct SameHash {
  std::size_t operator()(int) const noexcept { return 1; }
};

TEST(FlatTable, RefusesANewKeyWhenFullButUpdatesAnOldOne) {
  FlatTable<int, int> table(2);
  EXPECT_NE(table.insert_or_assign(1, 10), nullptr);
  EXPECT_NE(table.insert_or_assign(2, 20), nullptr);
  EXPECT_EQ(table.insert_or_assign(3, 30), nullptr);
  EXPECT_NE(table.insert_or_assign(2, 21), nullptr);
  EXPECT_EQ(*table.find(2), 21);
  EXPECT_FALSE(table.contains(3));
  EXPECT_TRUE(table.erase(1));
  EXPECT_FALSE(table.erase(1));
  EXPECT_NE(table.insert_or_assign(3, 30), nullptr);
}

TEST(FlatTable, FindsEverythingWhenAllKeysCollide) {
  FlatTable<int, int, SameHash> table(8);
  for (int i = 0; i < 8; ++i) (void)table.insert_or_assign(i, i * 10);
  for (int gone = 0; gone < 8; gone += 2) EXPECT_TRUE(table.erase(gone));
  for (int i = 0; i < 8; ++i) {
    if (i % 2 == 0) {
      EXPECT_EQ(table.find(i), nullptr);
    } else {
      ASSERT_NE(table.find(i), nullptr);
      EXPECT_EQ(*table.find(i), i * 10);
    }
  }
}

TEST(FlatTable, BehavesLikeAMapThroughManyInsertionsAndRemovals) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    FlatTable<Ssrc, std::uint32_t> table(64, seed);
    std::unordered_map<std::uint32_t, std::uint32_t> model;
    std::mt19937 random(seed);
    for (std::uint32_t i = 0; i < 20000; ++i) {
      const auto key = static_cast<std::uint32_t>(random() % 100);
      if (random() % 2 == 0) {
        const bool room = model.size() < 64 || model.contains(key);
        ASSERT_EQ(table.insert_or_assign({key}, i) != nullptr, room);
        if (room) model[key] = i;
      } else {
        ASSERT_EQ(table.erase({key}), model.erase(key) == 1);
      }
      ASSERT_EQ(table.size(), model.size());
      const auto probe = static_cast<std::uint32_t>(random() % 100);
      const std::uint32_t* found = table.find({probe});
      ASSERT_EQ(found != nullptr, model.contains(probe));
      if (found != nullptr) {
        ASSERT_EQ(*found, model[probe]);
      }
    }
    std::size_t seen = 0;
    table.for_each([&](Ssrc key, std::uint32_t value) {
      ++seen;
      EXPECT_EQ(model.at(key.value), value);
    });
    EXPECT_EQ(seen, model.size());
  }
}

TEST(FlatTable, TakesTuplesAsKeysAndReleasesValuesOnErase) {
  FlatTable<Tuple, std::shared_ptr<int>> table(4);
  const auto value = std::make_shared<int>(1);
  const Tuple tuple{.remote = SocketAddress::from_ipv4({192, 0, 2, 1}, 4000), .socket = 0};
  (void)table.insert_or_assign(tuple, value);
  EXPECT_EQ(value.use_count(), 2);
  EXPECT_TRUE(table.erase(tuple));
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace sluice
