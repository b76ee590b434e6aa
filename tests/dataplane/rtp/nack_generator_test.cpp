#include "dataplane/rtp/nack_generator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr ExtendedSequenceNumber at(std::int64_t value) {
  return {value};
}

std::vector<std::uint16_t> poll(NackGenerator& nack, TimePoint now, std::size_t room = 256) {
  std::vector<SequenceNumber> out(room);
  out.resize(nack.poll(now, out));
  std::vector<std::uint16_t> result;
  for (const SequenceNumber s : out) result.push_back(s.value);
  return result;
}

TEST(NackGenerator, IsIdleWhileNothingIsMissing) {
  NackGenerator nack;
  for (std::int64_t i = 0; i < 100; ++i) nack.on_packet(start, at(65'500 + i));
  EXPECT_EQ(nack.next_deadline(), never);
  EXPECT_TRUE(poll(nack, start + milliseconds(1000)).empty());
}

TEST(NackGenerator, AsksForAGapAfterTheTimeForReorderingAndOverTheWrap) {
  NackGenerator nack;
  nack.on_packet(start, at(65'534));
  nack.on_packet(start, at(65'538));
  EXPECT_EQ(nack.next_deadline(), start + milliseconds(5));
  EXPECT_TRUE(poll(nack, start + milliseconds(4)).empty());
  EXPECT_EQ(poll(nack, nack.next_deadline()), (std::vector<std::uint16_t>{65'535, 0, 1}));
}

TEST(NackGenerator, ALatePacketCancels) {
  NackGenerator nack;
  nack.on_packet(start, at(10));
  nack.on_packet(start, at(13));
  nack.on_packet(start, at(12));
  nack.on_packet(start, at(12));  // a duplicate changes nothing
  EXPECT_EQ(poll(nack, start + milliseconds(5)), (std::vector<std::uint16_t>{11}));
  nack.on_packet(start + milliseconds(6), at(11));
  EXPECT_EQ(nack.next_deadline(), never);
  EXPECT_EQ(nack.missing(), 0U);
  EXPECT_FALSE(nack.take_key_frame_needed());
}

TEST(NackGenerator, RepeatsByTheRttWithinItsBounds) {
  struct Case {
    Duration rtt;
    Duration interval;
  };
  for (const Case& c : {Case{Duration(0), milliseconds(100)}, Case{milliseconds(2), milliseconds(20)},
                        Case{milliseconds(80), milliseconds(90)}, Case{std::chrono::hours(1), milliseconds(2250)}}) {
    NackConfig config;
    config.age_max = std::chrono::minutes(1);
    NackGenerator nack(config);
    if (c.rtt != Duration(0)) nack.set_rtt(c.rtt);
    nack.on_packet(start, at(1));
    nack.on_packet(start, at(3));
    const TimePoint first = nack.next_deadline();
    ASSERT_EQ(poll(nack, first).size(), 1U);
    EXPECT_EQ(nack.next_deadline(), first + c.interval);
    EXPECT_TRUE(poll(nack, first + c.interval - Duration(1)).empty());
    EXPECT_EQ(poll(nack, first + c.interval).size(), 1U);
  }
}

TEST(NackGenerator, GivesUpAfterTenTriesAndAsksForAKeyFrameOnce) {
  NackGenerator nack;
  nack.on_packet(start, at(1));
  nack.on_packet(start, at(3));
  std::size_t tries = 0;
  while (nack.next_deadline() != never) tries += poll(nack, nack.next_deadline()).size();
  EXPECT_EQ(tries, 10U);
  EXPECT_EQ(nack.given_up_total(), 1U);
  EXPECT_TRUE(nack.take_key_frame_needed());
  EXPECT_FALSE(nack.take_key_frame_needed());
}

TEST(NackGenerator, GivesUpByAge) {
  NackGenerator nack;
  nack.on_packet(start, at(1));
  nack.on_packet(start, at(3));
  EXPECT_TRUE(poll(nack, start + milliseconds(2001)).empty());
  EXPECT_TRUE(nack.take_key_frame_needed());
  EXPECT_EQ(nack.next_deadline(), never);
}

TEST(NackGenerator, GivesUpWhatIsAThousandPacketsBehind) {
  NackGenerator nack;
  nack.on_packet(start, at(0));
  nack.on_packet(start, at(2));
  for (std::int64_t i = 3; i <= 1001; ++i) nack.on_packet(start, at(i));
  EXPECT_EQ(nack.missing(), 1U);
  nack.on_packet(start, at(1003));  // 1 is 1002 behind now
  EXPECT_EQ(nack.missing(), 1U);
  EXPECT_TRUE(nack.take_key_frame_needed());
}

TEST(NackGenerator, AGapTooLongIsNotAskedFor) {
  NackGenerator nack;
  nack.on_packet(start, at(0));
  nack.on_packet(start, at(2));
  nack.on_packet(start, at(1004));
  EXPECT_EQ(nack.missing(), 0U);
  EXPECT_EQ(nack.next_deadline(), never);
  EXPECT_TRUE(nack.take_key_frame_needed());
}

TEST(NackGenerator, HoldsNoMoreThanItsBound) {
  NackGenerator nack;
  nack.on_packet(start, at(0));
  nack.on_packet(start, at(601));
  EXPECT_EQ(nack.missing(), 600U);
  nack.on_packet(start, at(1202));
  EXPECT_LE(nack.missing(), 1000U);
  EXPECT_TRUE(nack.take_key_frame_needed());
}

TEST(NackGenerator, AsksForAtMost256AtOnceAndForTheRestNext) {
  NackGenerator nack;
  nack.on_packet(start, at(0));
  nack.on_packet(start, at(601));
  const TimePoint now = start + milliseconds(5);
  std::set<std::uint16_t> asked;
  for (const std::size_t expected : {256U, 256U, 88U, 0U}) {
    const auto batch = poll(nack, now, 1000);
    EXPECT_EQ(batch.size(), expected);
    EXPECT_TRUE(std::is_sorted(batch.begin(), batch.end()));
    asked.insert(batch.begin(), batch.end());
  }
  EXPECT_EQ(asked.size(), 600U);
  EXPECT_EQ(nack.requested_total(), 600U);
}

TEST(NackGenerator, AKeyFrameMakesWhatWasBeforeItNeedless) {
  NackGenerator nack;
  nack.on_packet(start, at(0));
  nack.on_packet(start, at(5));
  nack.on_packet(start, at(8));
  nack.forget_before(at(7));
  EXPECT_EQ(poll(nack, start + milliseconds(5)), (std::vector<std::uint16_t>{7}));
  EXPECT_FALSE(nack.take_key_frame_needed());
}

TEST(NackGenerator, ResetBeginsAnew) {
  NackGenerator nack;
  nack.on_packet(start, at(0));
  nack.on_packet(start, at(5));
  nack.reset();
  nack.on_packet(start, at(100'000));
  EXPECT_EQ(nack.next_deadline(), never);
}

TEST(NackGenerator, AsksForExactlyWhatALossyReorderingNetworkKeeps) {
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    NackGenerator nack;
    std::set<std::int64_t> missing;
    std::int64_t highest = 0;
    TimePoint now = start;
    nack.on_packet(now, at(0));
    for (std::int64_t i = 0; i < 900; ++i) {
      now += milliseconds(1);
      if (random() % 5 == 0 && !missing.empty()) {
        const auto late = std::next(missing.begin(), static_cast<std::ptrdiff_t>(random() % missing.size()));
        nack.on_packet(now, at(*late));
        missing.erase(late);
        continue;
      }
      const std::int64_t next = highest + 1 + (random() % 20 == 0 ? random() % 3 : 0);
      for (std::int64_t m = highest + 1; m < next; ++m) missing.insert(m);
      highest = next;
      nack.on_packet(now, at(next));
      ASSERT_EQ(nack.missing(), missing.size()) << "seed " << seed;
    }
    std::set<std::uint16_t> expected;
    for (const std::int64_t m : missing) expected.insert(static_cast<std::uint16_t>(m));
    std::set<std::uint16_t> asked;
    for (const std::uint16_t s : poll(nack, now + milliseconds(5))) asked.insert(s);
    EXPECT_EQ(asked, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice
