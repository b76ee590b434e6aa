#include "dataplane/rtp/packet_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};

std::vector<std::byte> payload_of(std::int64_t sequence, std::size_t size) {
  std::vector<std::byte> result(size);
  for (std::size_t i = 0; i < size; ++i) result[i] = static_cast<std::byte>(static_cast<std::uint64_t>(sequence) * 31 + i);
  return result;
}

bool holds(const PacketCache& cache, TimePoint now, std::int64_t sequence, const std::vector<std::byte>& payload) {
  const auto found = cache.find(now, {sequence});
  return found && found->sequence.value == sequence && std::ranges::equal(found->payload, payload);
}

TEST(PacketCache, GivesBackWhatWasPutIn) {
  PacketCache cache(PacketCacheConfig::audio());
  const PacketFacts facts{12345, {111}, true, 0x80, PacketFacts::none};
  const auto payload = payload_of(70'000, 100);
  ASSERT_TRUE(cache.insert(start, {70'000}, facts, payload));
  const auto found = cache.find(start, {70'000});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->facts.rtp_timestamp, 12345U);
  EXPECT_EQ(found->facts.payload_type, PayloadType{111});
  EXPECT_TRUE(found->facts.marker);
  EXPECT_EQ(found->facts.audio_level, 0x80);
  EXPECT_EQ(found->arrival, start);
  EXPECT_TRUE(std::ranges::equal(found->payload, payload));
  EXPECT_FALSE(cache.find(start, {70'001}));
  EXPECT_FALSE(cache.find(start, {70'000 - 65'536}));  // the same on the wire, another packet
}

TEST(PacketCache, RefusesDuplicatesAndOversizedPayloads) {
  PacketCache cache(PacketCacheConfig::audio());
  EXPECT_TRUE(cache.insert(start, {1}, {}, payload_of(1, 1500)));
  EXPECT_FALSE(cache.insert(start, {1}, {}, payload_of(2, 10)));
  EXPECT_TRUE(holds(cache, start, 1, payload_of(1, 1500)));
  EXPECT_FALSE(cache.insert(start, {2}, {}, payload_of(2, 1501)));
  EXPECT_TRUE(cache.insert(start, {3}, {}, {}));
  EXPECT_TRUE(holds(cache, start, 3, {}));
}

TEST(PacketCache, ForgetsByAge) {
  PacketCache cache(PacketCacheConfig::audio());
  cache.insert(start, {1}, {}, payload_of(1, 10));
  EXPECT_TRUE(cache.find(start + milliseconds(2000), {1}));
  EXPECT_FALSE(cache.find(start + milliseconds(2001), {1}));
}

TEST(PacketCache, ALatePacketDoesNotPushOutANewerOne) {
  PacketCache cache({4096, 16});
  cache.insert(start, {20}, {}, payload_of(20, 10));
  EXPECT_FALSE(cache.insert(start, {4}, {}, payload_of(4, 10)));  // the same place in the index
  EXPECT_TRUE(holds(cache, start, 20, payload_of(20, 10)));
  EXPECT_TRUE(cache.insert(start, {36}, {}, payload_of(36, 10)));
  EXPECT_FALSE(cache.find(start, {20}));
}

TEST(PacketCache, ClearForgetsEverything) {
  PacketCache cache(PacketCacheConfig::audio());
  cache.insert(start, {5}, {}, payload_of(5, 10));
  cache.clear();
  EXPECT_FALSE(cache.find(start, {5}));
  EXPECT_TRUE(cache.insert(start, {5}, {}, payload_of(5, 10)));
}

TEST(PacketCache, KeepsTheNewestBytesAndNeverGivesBackOthers) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const std::size_t arena = 16'384;
    PacketCache cache({arena, 64});
    std::map<std::int64_t, std::vector<std::byte>> all;
    std::int64_t highest = 65'400;
    for (int i = 0; i < 3000; ++i) {
      const std::int64_t sequence = random() % 5 == 0 ? highest - static_cast<std::int64_t>(random() % 40) : ++highest;
      const auto payload = payload_of(sequence, random() % 1501);
      if (cache.insert(start, {sequence}, {}, payload)) all[sequence] = payload;
      std::size_t found = 0;
      for (std::int64_t s = highest - 70; s <= highest; ++s) {
        if (!cache.find(start, {s})) continue;
        ++found;
        ASSERT_TRUE(holds(cache, start, s, all[s])) << "seed " << seed;
      }
      ASSERT_GE(found, std::min<std::size_t>(all.size(), 1));
    }
    // The last nine of at most 1500 bytes fit for certain, whatever was left unused at the ring's end.
    for (std::int64_t s = highest + 1; s <= highest + 9; ++s) cache.insert(start, {s}, {}, payload_of(s, 1500));
    for (std::int64_t s = highest + 1; s <= highest + 9; ++s) EXPECT_TRUE(holds(cache, start, s, payload_of(s, 1500)));
  }
}

}  // namespace
}  // namespace sluice
