#include "dataplane/rtp/receive_statistics.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dataplane/rtp/ntp_time.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr std::uint32_t rate = 90'000;

struct Stream {
  ReceiveStatisticsState state;
  ReceiveStatistics statistics{state, rate};
  TimePoint now = start;
  Arrival receive(std::uint32_t wire, std::uint32_t timestamp = 0) {
    return statistics.on_packet(now, {static_cast<std::uint16_t>(wire)}, timestamp, 1000);
  }
};

TEST(ReceiveStatistics, AcceptsTheFirstPacketAtOnce) {
  Stream s;
  const Arrival first = s.receive(65535);
  EXPECT_EQ(first.kind, ArrivalKind::fresh);
  EXPECT_EQ(first.sequence.on_wire().value, 65535);
  EXPECT_GT(first.sequence.value, 0);
}

TEST(ReceiveStatistics, ExtendsOverTheWrapAndCountsCycles) {
  Stream s;
  std::int64_t before = s.receive(65000).sequence.value;
  for (std::uint32_t i = 1; i < 200'000; ++i) {
    const Arrival arrival = s.receive(65000 + i);
    ASSERT_EQ(arrival.kind, ArrivalKind::fresh);
    ASSERT_EQ(arrival.sequence.value, ++before);
  }
  const ReportBlock block = s.statistics.report(s.now, {7});
  EXPECT_EQ(block.ssrc, Ssrc{7});
  EXPECT_EQ(block.highest_sequence, 65000U + 199'999U);
  EXPECT_EQ(block.cumulative_lost, 0);
  EXPECT_EQ(block.fraction_lost, 0);
}

TEST(ReceiveStatistics, CountsLossPerIntervalAndInAll) {
  Stream s;
  for (std::uint32_t i = 0; i < 100; ++i) {
    if (i % 4 != 1) s.receive(i);
  }
  ReportBlock block = s.statistics.report(s.now, {});
  EXPECT_EQ(block.cumulative_lost, 25);
  EXPECT_EQ(block.fraction_lost, 64);
  for (std::uint32_t i = 100; i < 200; ++i) s.receive(i);
  block = s.statistics.report(s.now, {});
  EXPECT_EQ(block.cumulative_lost, 25);
  EXPECT_EQ(block.fraction_lost, 0);
  block = s.statistics.report(s.now, {});  // nothing expected since
  EXPECT_EQ(block.fraction_lost, 0);
}

TEST(ReceiveStatistics, LatePacketsMakeUpForLossAndFractionNeverGoesNegative) {
  Stream s;
  s.receive(10);
  s.receive(13);
  EXPECT_EQ(s.statistics.report(s.now, {}).cumulative_lost, 2);
  EXPECT_EQ(s.receive(11).kind, ArrivalKind::fresh);
  EXPECT_EQ(s.receive(12).kind, ArrivalKind::fresh);
  s.receive(14);
  const ReportBlock block = s.statistics.report(s.now, {});
  EXPECT_EQ(block.cumulative_lost, 0);
  EXPECT_EQ(block.fraction_lost, 0);
}

TEST(ReceiveStatistics, KnowsDuplicatesInsideTheWindowOnly) {
  Stream s;
  for (std::uint32_t i = 0; i < 2000; ++i) s.receive(i);
  EXPECT_EQ(s.receive(1999).kind, ArrivalKind::duplicate);
  EXPECT_EQ(s.receive(2000 - 1024).kind, ArrivalKind::duplicate);
  EXPECT_EQ(s.receive(2000 - 1025).kind, ArrivalKind::too_old);
  EXPECT_EQ(s.state.duplicates, 2U);
}

TEST(ReceiveStatistics, ForgetsWhatTheWindowLeftBehind) {
  Stream s;
  s.receive(0);
  s.receive(3000);  // as far ahead as is still loss
  for (std::uint32_t i = 3000 - 1023; i < 3000; ++i) ASSERT_EQ(s.receive(i).kind, ArrivalKind::fresh) << i;
}

TEST(ReceiveStatistics, RepairsAreNotCountedAsReceivedButMakeTheOriginalADuplicate) {
  Stream s;
  s.receive(10);
  s.receive(12);
  const Arrival repair = s.statistics.on_repair({11});
  EXPECT_EQ(repair.kind, ArrivalKind::fresh);
  EXPECT_EQ(repair.sequence, s.state.highest.plus(-1));
  EXPECT_EQ(s.statistics.on_repair({11}).kind, ArrivalKind::duplicate);
  EXPECT_EQ(s.statistics.cumulative_lost(), 1);
  EXPECT_EQ(s.receive(11).kind, ArrivalKind::duplicate);
  EXPECT_EQ(s.statistics.cumulative_lost(), 0);  // it arrived after all
}

TEST(ReceiveStatistics, ARepairMayComeBeforeAnythingBehindIt) {
  Stream s;
  EXPECT_FALSE(s.statistics.on_repair({5}).usable());  // no stream yet
  s.receive(10);
  EXPECT_EQ(s.statistics.on_repair({11}).kind, ArrivalKind::fresh);
  EXPECT_EQ(s.receive(12).kind, ArrivalKind::fresh);
  EXPECT_EQ(s.statistics.cumulative_lost(), 1);
}

TEST(ReceiveStatistics, ResyncsOnAJumpAheadWithoutCountingItAsLoss) {
  Stream s;
  const auto first = s.receive(100).sequence;
  const Arrival jump = s.receive(100 + 3001);
  EXPECT_EQ(jump.kind, ArrivalKind::resynced);
  EXPECT_GT(jump.sequence, first);
  EXPECT_EQ(s.statistics.cumulative_lost(), 0);
  EXPECT_EQ(s.receive(100 + 3002).kind, ArrivalKind::fresh);
}

TEST(ReceiveStatistics, OneStragglerIsDroppedButTwoInARowBeginAnewAndNumbersStillRise) {
  Stream s;
  const auto before = s.receive(30'000).sequence;
  EXPECT_EQ(s.receive(5000).kind, ArrivalKind::too_old);
  EXPECT_EQ(s.receive(9000).kind, ArrivalKind::too_old);
  const Arrival second = s.receive(9001);
  EXPECT_EQ(second.kind, ArrivalKind::resynced);
  EXPECT_GT(second.sequence, before);
  EXPECT_EQ(second.sequence.on_wire().value, 9001);
}

TEST(ReceiveStatistics, MeasuresJitterAsAppendixA8) {
  Stream s;
  // Every second packet comes 10 ms late: the deviation is 10 ms = 900 ticks each time, so the estimate converges to it.
  for (std::uint32_t i = 0; i < 400; ++i) {
    s.now = start + milliseconds(20 * i + (i % 2 ? 10 : 0));
    s.receive(i, i * 1800);
  }
  EXPECT_NEAR(s.statistics.report(s.now, {}).jitter, 900, 10);
}

TEST(ReceiveStatistics, AJumpOfTheTimestampIsNoJitter) {
  Stream s;
  s.receive(1, 0);
  s.now += milliseconds(20);
  s.receive(2, 0x8000'0000U);
  EXPECT_EQ(s.statistics.report(s.now, {}).jitter, 0U);
}

TEST(ReceiveStatistics, RepeatsTheLastSenderReport) {
  Stream s;
  s.receive(1);
  EXPECT_EQ(s.statistics.report(s.now, {}).last_sr, 0U);
  s.statistics.on_sender_report(s.now, 0x0123'4567'89ab'cdefU);
  const ReportBlock block = s.statistics.report(s.now + milliseconds(500), {});
  EXPECT_EQ(block.last_sr, 0x4567'89abU);
  EXPECT_EQ(block.delay_since_last_sr, 0x8000U);
}

TEST(ReceiveStatistics, GoesOnFromAFilledState) {
  Stream s;
  for (std::uint32_t i = 65'000; i < 66'000; ++i) s.receive(i);
  ReceiveStatistics successor(s.state, rate);
  EXPECT_EQ(successor.on_packet(s.now, {static_cast<std::uint16_t>(66'000)}, 0, 1).sequence, s.state.highest);
  EXPECT_EQ(successor.on_packet(s.now, {static_cast<std::uint16_t>(65'999)}, 0, 1).kind, ArrivalKind::duplicate);
}

TEST(ReceiveStatistics, AgreesWithASetUnderLossReorderAndDuplication) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    Stream s;
    const std::uint32_t base = random() % 65536;
    const auto first = s.receive(base).sequence;
    std::set<std::int64_t> seen{0};
    for (std::int64_t i = 1; i < 5000; ++i) {
      if (random() % 10 == 0) continue;
      const std::int64_t index =
          std::max<std::int64_t>(0, i - static_cast<std::int64_t>(random() % 8 == 0 ? random() % 60 : 0));
      const Arrival arrival = s.receive(static_cast<std::uint32_t>(base + static_cast<std::uint64_t>(index)));
      ASSERT_EQ(arrival.sequence - first, index) << "seed " << seed;
      ASSERT_EQ(arrival.usable(), seen.insert(index).second) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace sluice
