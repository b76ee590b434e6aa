#include "tools/load/media_stamp.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::load {
namespace {

MediaStamp example() {
  return {.stream = 0x01020304,
          .counter = 0x1122334455667788,
          .sent = TimePoint(Duration(123'456'789'012'345)),
          .frame = 77,
          .index = 3,
          .count = 5,
          .key_frame = true};
}

TEST(MediaStampTest, ReadsWhatItWrote) {
  std::array<std::byte, 40> bytes{};
  ASSERT_TRUE(example().write(bytes));
  EXPECT_EQ(MediaStamp::read(bytes), example());
}

TEST(MediaStampTest, RefusesEveryTruncation) {
  std::array<std::byte, MediaStamp::size> bytes{};
  ASSERT_TRUE(example().write(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(MediaStamp::read(Bytes(bytes).first(size))) << size;
}

TEST(MediaStampTest, RefusesAnotherMagicAndAPacketBeyondItsFrame) {
  std::array<std::byte, MediaStamp::size> bytes{};
  ASSERT_TRUE(example().write(bytes));
  bytes[0] ^= std::byte{1};
  EXPECT_FALSE(MediaStamp::read(bytes));
  MediaStamp beyond = example();
  beyond.index = beyond.count;
  ASSERT_TRUE(beyond.write(bytes));
  EXPECT_FALSE(MediaStamp::read(bytes));
}

TEST(MediaStampTest, WritesNothingWithoutRoom) {
  std::array<std::byte, MediaStamp::size - 1> bytes{};
  EXPECT_FALSE(example().write(bytes));
}

}  // namespace
}  // namespace sluice::load
