#include "shm/types/loudness.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct LoudnessMeterTest : testing::Test {
  Loudness hear(int packets, std::uint8_t header) {
    for (int i = 0; i < packets; ++i) meter.on_packet(id, header, word);
    return Loudness::unpack(word.load());
  }
  LoudnessMeter meter;
  std::atomic<std::uint64_t> word{0};
  const PublicationId id{7, 0x12345};
};

TEST_F(LoudnessMeterTest, IsOneWordOfOneIncarnation) {
  const Loudness level = hear(1, 0x80 | 20);
  EXPECT_EQ(level.incarnation, 0x2345);
  EXPECT_EQ(level.packets, 1U);
  EXPECT_TRUE(level.voice);
  EXPECT_FALSE(hear(1, 20).voice);
  EXPECT_EQ(Loudness::unpack(level.packed()), level);
}

TEST_F(LoudnessMeterTest, HearsSpeechAtOnceAndForgetsItSlowly) {
  EXPECT_GT(hear(1, 30).below, 90) << "one click is not loud";
  EXPECT_LE(hear(4, 30).below, 60);
  EXPECT_LE(hear(16, 30).below, 31) << "it arrives";
  EXPECT_LE(hear(5, 127).below, 70) << "a pause between words";
  EXPECT_GE(hear(100, 127).below, 126) << "it is quiet";
}

TEST_F(LoudnessMeterTest, StaysInRangeWhateverComes) {
  for (unsigned header = 0; header < 256; ++header) {
    for (int i = 0; i < 40; ++i) EXPECT_LE(hear(1, static_cast<std::uint8_t>(header)).below, 127);
  }
  EXPECT_EQ(hear(200, 0).below, 0);
  EXPECT_EQ(hear(400, 127).below, 127);
}

}  // namespace
}  // namespace sluice
