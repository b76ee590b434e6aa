#include "dataplane/rtp/stream_rewriter.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr MediaSource low{{1, 1}, {100}, 0, {}};
constexpr MediaSource high{{1, 1}, {200}, 1, {}};
constexpr ExtendedSequenceNumber at(std::int64_t value) {
  return {value};
}

struct Subscription {
  explicit Subscription(std::uint16_t first = 1000) : rewriter(state, {{first}, 5000, 90'000}) {}
  RewriterState state;
  StreamRewriter rewriter;
  TimePoint now = start;
  /// The outgoing number, or -1.
  std::int64_t forward(const MediaSource& source, std::int64_t sequence, std::uint32_t timestamp = 0,
                       std::uint32_t tag = 0) {
    const auto header = rewriter.forward(now, source, at(sequence), timestamp, tag);
    return header ? header->sequence.value : -1;
  }
  void begin(const MediaSource& source, std::int64_t sequence, std::uint32_t timestamp = 0) {
    rewriter.begin_source(now, source, at(sequence), timestamp);
  }
};

TEST(StreamRewriter, SendsNothingBeforeASourceBegan) {
  Subscription s;
  EXPECT_EQ(s.forward(low, 1), -1);
  EXPECT_FALSE(s.rewriter.skip(low, at(1), 0));
  EXPECT_FALSE(s.rewriter.lookup({1000}));
  EXPECT_FALSE(s.rewriter.source().valid());
}

TEST(StreamRewriter, BeginsWhereItIsToldAndKeepsTheOrder) {
  Subscription s;
  s.begin(low, 70'000, 90);
  for (std::int64_t i = 0; i < 10; ++i) {
    const auto header = s.rewriter.forward(s.now, low, at(70'000 + i), 90U + static_cast<std::uint32_t>(i));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->sequence, at(1000 + i));
    EXPECT_EQ(header->rtp_timestamp, 5000U + static_cast<std::uint32_t>(i));
  }
}

TEST(StreamRewriter, LeavesTheGapsOfTheNetworkAndFillsThemWithLatePackets) {
  Subscription s;
  s.begin(low, 10);
  EXPECT_EQ(s.forward(low, 10), 1000);
  EXPECT_EQ(s.forward(low, 13), 1003);
  EXPECT_EQ(s.forward(low, 12), 1002);
  EXPECT_EQ(s.forward(low, 12), -1);  // a duplicate
  EXPECT_EQ(s.forward(low, 11), 1001);
  EXPECT_EQ(s.forward(low, 13), -1);
  EXPECT_EQ(s.forward(low, 9), -1);  // before the beginning
  EXPECT_EQ(s.rewriter.next_sequence(), at(1004));
}

TEST(StreamRewriter, WhatIsSkippedLeavesNoGap) {
  Subscription s;
  s.begin(low, 10);
  EXPECT_EQ(s.forward(low, 10), 1000);
  EXPECT_FALSE(s.rewriter.skip(low, at(11), 1));
  EXPECT_EQ(s.forward(low, 12), 1001);
  EXPECT_EQ(s.forward(low, 11), -1);
  // 13 is missing, 14 skipped: 13 may have been wanted, so its place stays.
  EXPECT_FALSE(s.rewriter.skip(low, at(14), 2));
  EXPECT_EQ(s.forward(low, 15, 3), 1003);
  EXPECT_EQ(s.forward(low, 13), 1002);
}

TEST(StreamRewriter, WhatIsMissingInsideASkippedFrameLeavesNoGap) {
  Subscription s;
  s.begin(low, 10);
  EXPECT_EQ(s.forward(low, 10, 0), 1000);
  s.rewriter.skip(low, at(11), 3000);
  s.rewriter.skip(low, at(14), 3000);
  EXPECT_EQ(s.forward(low, 15, 6000), 1001);
  EXPECT_EQ(s.forward(low, 12, 3000), -1);
}

TEST(StreamRewriter, ALatePacketThatIsSkippedClosesItsHoleOnce) {
  Subscription s;
  s.begin(low, 10, 0);
  s.forward(low, 10, 0);
  s.forward(low, 12, 2);
  const auto empty = s.rewriter.skip(low, at(11), 1);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->sequence, at(1001));
  EXPECT_EQ(empty->rtp_timestamp, 5001U);
  EXPECT_FALSE(s.rewriter.skip(low, at(11), 1));
  EXPECT_EQ(s.forward(low, 11), -1);
  EXPECT_FALSE(s.rewriter.lookup({1001}));
}

TEST(StreamRewriter, GoesOnWithoutAGapOverAChangeOfSource) {
  Subscription s;
  s.begin(low, 10);
  EXPECT_EQ(s.forward(low, 10), 1000);
  EXPECT_EQ(s.forward(low, 12), 1002);
  s.begin(high, 500);
  EXPECT_EQ(s.forward(high, 500), 1003);
  EXPECT_EQ(s.forward(low, 13), -1);    // after the change
  EXPECT_EQ(s.forward(low, 11), 1001);  // before it, and missing
  EXPECT_EQ(s.forward(high, 499), -1);  // before the key frame
  EXPECT_EQ(s.forward(high, 501), 1004);
}

TEST(StreamRewriter, ComesBackToASourceItHadBefore) {
  Subscription s;
  s.begin(low, 10);
  s.forward(low, 10);
  s.forward(low, 12);
  s.begin(high, 500);
  s.forward(high, 500);
  s.begin(low, 20);
  EXPECT_EQ(s.forward(low, 21), 1005);
  EXPECT_EQ(s.forward(low, 11), 1001);  // of the first run
  EXPECT_EQ(s.forward(low, 15), -1);    // between the runs
  EXPECT_EQ(s.forward(low, 20), 1004);  // of the second
}

TEST(StreamRewriter, TimeGoesOnByTheTimeBetweenArrivals) {
  Subscription s;
  s.begin(low, 1, 7'000'000);
  s.forward(low, 1, 7'000'000);
  s.now += milliseconds(100);
  s.begin(high, 1, 42);
  const auto header = s.rewriter.forward(s.now, high, at(1), 42);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->rtp_timestamp, 5000U + 9000U);
  EXPECT_EQ(s.rewriter.timestamp_offset(), 5000U + 9000U - 42U);
}

TEST(StreamRewriter, CaptureTimesWinUnlessTheyAreAbsurd) {
  struct Case {
    Duration capture;
    std::uint32_t ticks;
  };
  for (const Case& c : {Case{milliseconds(66), 5940}, Case{milliseconds(-33), 90}, Case{Duration(0), 90},
                        Case{std::chrono::seconds(30), 9000}, Case{std::chrono::hours(-1), 9000}}) {
    Subscription s;
    s.begin(low, 1, 0);
    s.forward(low, 1, 0);
    s.now += milliseconds(100);
    s.rewriter.begin_source(s.now, high, at(1), 0, c.capture);
    EXPECT_EQ(s.rewriter.forward(s.now, high, at(1), 0)->rtp_timestamp, 5000U + c.ticks);
  }
}

TEST(StreamRewriter, TimeGoesOnOverALongPauseAndTheWrapOfTimestamps) {
  Subscription s;
  s.begin(low, 1, 0xffff'ff00U);
  s.forward(low, 1, 0xffff'ff00U);
  s.forward(low, 2, 0x10U);
  s.now += std::chrono::hours(30);
  s.begin(low, 3, 0x20U);
  const std::uint32_t expected = 5000U + 0x110U + static_cast<std::uint32_t>(30ULL * 3600 * 90'000);
  EXPECT_EQ(s.rewriter.forward(s.now, low, at(3), 0x20U)->rtp_timestamp, expected);
}

TEST(StreamRewriter, FindsWhatANackNames) {
  Subscription s(32'000);
  s.begin(low, 65'530, 1000);
  for (std::int64_t i = 0; i < 600; ++i) {
    if (i != 300) s.forward(low, 65'530 + i, 1000, static_cast<std::uint32_t>(i));
  }
  s.begin(high, 9, 0);
  for (std::int64_t i = 0; i < 424; ++i) s.forward(high, 9 + i, 0, 7);
  const auto first = s.rewriter.lookup({32'000});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->source, low);
  EXPECT_EQ(first->source_sequence, at(65'530));
  EXPECT_EQ(first->timestamp_offset, 4000U);
  EXPECT_EQ(first->out, at(32'000));
  EXPECT_TRUE(first->sent);
  EXPECT_EQ(s.rewriter.lookup({32'005})->codec_tag, 5U);
  const auto hole = s.rewriter.lookup({32'300});
  ASSERT_TRUE(hole);
  EXPECT_FALSE(hole->sent);
  EXPECT_EQ(hole->source_sequence, at(65'830));
  const auto second = s.rewriter.lookup({32'600});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->source, high);
  EXPECT_EQ(second->source_sequence, at(9));
  EXPECT_FALSE(s.rewriter.lookup({33'024}));  // not sent yet
  s.forward(high, 433);
  EXPECT_FALSE(s.rewriter.lookup({32'000}));  // out of the history
  EXPECT_TRUE(s.rewriter.lookup({32'001}));
}

TEST(StreamRewriter, ALongOutageLeavesOneHole) {
  Subscription s;
  s.begin(low, 1);
  EXPECT_EQ(s.forward(low, 1), 1000);
  EXPECT_EQ(s.forward(low, 3000), 1002);
  EXPECT_EQ(s.forward(low, 2000), -1);
}

TEST(StreamRewriter, MoreChangesThanItRemembersLoseOnlyTheOldest) {
  Subscription s;
  for (std::uint32_t i = 0; i < 20; ++i) {
    const MediaSource source{{1, 1}, {i + 1}, 0, {}};
    s.begin(source, 100);
    EXPECT_EQ(s.forward(source, 100), 1000 + 2 * i);
    EXPECT_EQ(s.forward(source, 101), 1001 + 2 * i);
  }
  EXPECT_FALSE(s.rewriter.lookup({1000}));
  const auto recent = s.rewriter.lookup({1039});
  ASSERT_TRUE(recent);
  EXPECT_EQ(recent->source.ssrc, Ssrc{20});
  EXPECT_EQ(s.rewriter.lookup({1000 + 2 * 12})->source.ssrc, Ssrc{13});
}

TEST(StreamRewriter, ASuccessorGoesOnExactlyAndUsesNoNumberTwice) {
  Subscription s;
  s.begin(low, 10, 0);
  s.forward(low, 10, 0);
  s.forward(low, 13, 9000);
  RewriterState copy = s.state;
  StreamRewriter successor(copy, {{4}, 77, 90'000});
  EXPECT_EQ(successor.next_sequence(), at(1004));
  EXPECT_EQ(successor.source(), low);
  EXPECT_FALSE(successor.forward(s.now, low, at(11), 0));  // perhaps sent, perhaps not
  EXPECT_FALSE(successor.lookup({1003}));
  const auto next = successor.forward(s.now, low, at(15), 18'000);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sequence, at(1005));
  EXPECT_EQ(next->rtp_timestamp, 23'000U);
  EXPECT_EQ(successor.forward(s.now, low, at(14), 9000)->sequence, at(1004));
  EXPECT_EQ(successor.lookup({1005})->source_sequence, at(15));
}

/// Against a model: every outgoing number at most once, every forwarded packet found again, holes only where packets of the
/// source are missing.
TEST(StreamRewriter, AgreesWithAModelUnderLossReorderSkippingAndSwitches) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Subscription s(static_cast<std::uint16_t>(random() % 32'768));
    std::map<std::int64_t, std::pair<Ssrc, std::int64_t>> sent;
    std::set<std::int64_t> holes;
    const std::int64_t first = s.rewriter.next_sequence().value;
    std::int64_t next = first;
    MediaSource source = low;
    std::int64_t position = 65'000;
    s.begin(source, position);
    std::vector<std::pair<MediaSource, std::int64_t>> delayed;
    for (int step = 0; step < 4000; ++step) {
      s.now += milliseconds(1);
      const auto send = [&](const MediaSource& from, std::int64_t sequence) {
        const auto header = s.rewriter.forward(s.now, from, at(sequence), static_cast<std::uint32_t>(sequence) * 10);
        if (!header) return;
        for (; next < header->sequence.value; ++next) holes.insert(next);
        next = std::max(next, header->sequence.value + 1);
        holes.erase(header->sequence.value);
        ASSERT_TRUE(sent.emplace(header->sequence.value, std::pair{from.ssrc, sequence}).second) << header->sequence.value;
        const auto found = s.rewriter.lookup(header->sequence.on_wire());
        ASSERT_TRUE(found);
        ASSERT_EQ(found->source, from);
        ASSERT_EQ(found->source_sequence, at(sequence));
        ASSERT_EQ(header->rtp_timestamp - found->timestamp_offset, static_cast<std::uint32_t>(sequence) * 10);
      };
      const auto dice = random() % 100;
      if (dice < 3) {
        source = random() % 2 ? low : high;
        position += 1 + static_cast<std::int64_t>(random() % 50);
        s.begin(source, position);
      } else if (dice < 10) {
        s.rewriter.skip(source, at(position), static_cast<std::uint32_t>(position) * 10);
        for (; next < s.rewriter.next_sequence().value; ++next) holes.insert(next);
        ++position;
      } else if (dice < 15) {
        ++position;  // lost
      } else if (dice < 25) {
        delayed.emplace_back(source, position++);
      } else if (dice < 35 && !delayed.empty()) {
        const std::size_t which = random() % delayed.size();
        send(delayed[which].first, delayed[which].second);
        if (random() % 3 != 0) delayed.erase(delayed.begin() + static_cast<std::ptrdiff_t>(which));  // else: again later
      } else {
        send(source, position++);
      }
    }
    for (const std::int64_t hole : holes) ASSERT_EQ(sent.count(hole), 0U);
    ASSERT_EQ(next, s.rewriter.next_sequence().value);
    ASSERT_EQ(sent.size() + holes.size(), static_cast<std::size_t>(next - first));
  }
}

}  // namespace
}  // namespace sluice
