// The meters of one stream: gaps, counters, frames.
#include <gtest/gtest.h>

#include "tools/load/counter_window.hpp"
#include "tools/load/frame_tracker.hpp"
#include "tools/load/gap_meter.hpp"

namespace sluice::load {
namespace {

using std::chrono::milliseconds;

TimePoint at(int ms) {
  return TimePoint(std::chrono::seconds(100)) + milliseconds(ms);
}

TEST(GapMeterTest, CountsWhatIsLongerThanThreeIntervals) {
  GapMeter meter(milliseconds(20));
  EXPECT_FALSE(meter.on_packet(at(0)));
  EXPECT_FALSE(meter.on_packet(at(60)));  // exactly three
  const std::optional<Gap> gap = meter.on_packet(at(121));
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->begin, at(60));
  EXPECT_EQ(gap->length(), milliseconds(61));
  EXPECT_EQ(meter.histogram().total(), 1U);
  EXPECT_EQ(meter.longest().length(), milliseconds(61));
}

TEST(GapMeterTest, SortsGapsByTheirLength) {
  GapMeter meter(milliseconds(20));
  int now = 0;
  (void)meter.on_packet(at(now));
  for (const int length : {99, 100, 149, 250, 251, 5000, 9000}) (void)meter.on_packet(at(now += length));
  const std::array<std::uint64_t, 8> expected{1, 2, 0, 2, 0, 0, 0, 2};
  EXPECT_EQ(meter.histogram().counts, expected);
}

TEST(GapMeterTest, AnnouncesAGapOnce) {
  GapMeter meter(milliseconds(20));
  EXPECT_FALSE(meter.begins_to_count(at(1000)));  // nothing has come yet
  (void)meter.on_packet(at(0));
  EXPECT_FALSE(meter.begins_to_count(at(60)));
  EXPECT_TRUE(meter.begins_to_count(at(61)));
  EXPECT_FALSE(meter.begins_to_count(at(200)));
  (void)meter.on_packet(at(300));
  EXPECT_TRUE(meter.begins_to_count(at(400)));
}

TEST(GapMeterTest, FinishCountsALastingSilenceAndNothingElse) {
  GapMeter lively(milliseconds(20));
  (void)lively.on_packet(at(0));
  EXPECT_FALSE(lively.finish(at(50)));
  EXPECT_EQ(lively.longest().length(), Duration::zero());
  GapMeter dead(milliseconds(20));
  (void)dead.on_packet(at(0));
  EXPECT_TRUE(dead.finish(at(3000)));
  EXPECT_EQ(dead.longest().length(), milliseconds(3000));
}

TEST(GapMeterTest, ResetForgetsTheSilenceBeforeIt) {
  GapMeter meter(milliseconds(20));
  (void)meter.on_packet(at(0));
  meter.reset(at(1000));
  EXPECT_FALSE(meter.on_packet(at(1010)));
  EXPECT_EQ(meter.longest().length(), milliseconds(10));
}

TEST(GapMeterTest, ArrivalsThatGoBackAreNoGaps) {
  GapMeter meter(milliseconds(20));
  (void)meter.on_packet(at(100));
  EXPECT_FALSE(meter.on_packet(at(50)));
  EXPECT_EQ(meter.last_arrival(), at(100));
}

TEST(CounterWindowTest, TellsLossFromReorderingAndDuplicates) {
  CounterWindow window;
  for (const std::uint64_t counter : {10U, 11U, 14U, 13U}) EXPECT_TRUE(window.note(counter));
  EXPECT_EQ(window.lost(), 1U);  // 12
  EXPECT_FALSE(window.note(13));
  EXPECT_EQ(window.duplicates(), 1U);
  EXPECT_TRUE(window.note(12));
  EXPECT_EQ(window.lost(), 0U);
  EXPECT_EQ(window.received(), 5U);
}

TEST(CounterWindowTest, CountsTheTailThatNeverCame) {
  CounterWindow window;
  EXPECT_EQ(window.lost_of(100), 0U);  // never up: not loss
  (void)window.note(0);
  (void)window.note(1);
  EXPECT_EQ(window.lost_of(2), 0U);
  EXPECT_EQ(window.lost_of(7), 5U);
}

TEST(CounterWindowTest, ResetCountsFromTheNextCounterOn) {
  CounterWindow window;
  (void)window.note(5);
  (void)window.note(8);
  window.reset();
  EXPECT_FALSE(window.note(6));  // of before: neither packet nor duplicate
  EXPECT_EQ(window.duplicates(), 0U);
  EXPECT_TRUE(window.note(9));
  EXPECT_EQ(window.lost(), 0U);
  EXPECT_EQ(window.received(), 1U);
}

TEST(CounterWindowTest, SurvivesAJumpBeyondTheWindow) {
  CounterWindow window;
  (void)window.note(0);
  EXPECT_TRUE(window.note(CounterWindow::window * 3));
  EXPECT_EQ(window.lost(), CounterWindow::window * 3 - 1);
  EXPECT_TRUE(window.note(CounterWindow::window * 3 - 1));
  EXPECT_FALSE(window.note(1));  // too long ago to know: counts as a duplicate
}

/// Frames of two packets each.
class FrameTrackerTest : public testing::Test {
 protected:
  void packet(std::uint32_t frame, std::uint16_t index, bool key = false) {
    tracker_.on_packet(at(static_cast<int>(frame) * 33),
                       {.stream = 1, .counter = 0, .sent = {}, .frame = frame, .index = index, .count = 2, .key_frame = key},
                       static_cast<std::uint16_t>((frame + 0x7ffe) & 0x7fffU));
  }
  void frame(std::uint32_t number, bool key = false) {
    packet(number, 0, key);
    packet(number, 1, key);
  }
  FrameTracker tracker_;
};

TEST_F(FrameTrackerTest, DecodesFramesInOrderThroughTheWrapOfThePictureId) {
  frame(0, true);
  for (std::uint32_t n = 1; n < 10; ++n) frame(n);
  EXPECT_EQ(tracker_.counts().decoded, 10U);
  EXPECT_EQ(tracker_.counts().key_frames, 1U);
  EXPECT_EQ(tracker_.counts().picture_id_breaks, 0U);
  EXPECT_EQ(tracker_.counts().longest_still, milliseconds(33));
  EXPECT_FALSE(tracker_.wants_key_frame(at(330)));
}

TEST_F(FrameTrackerTest, BeginsWithAKeyFrameAndAsksForIt) {
  frame(5);
  EXPECT_EQ(tracker_.counts().decoded, 0U);
  EXPECT_TRUE(tracker_.wants_key_frame(at(170)));
  EXPECT_FALSE(tracker_.wants_key_frame(at(180)));  // not again so soon
  EXPECT_TRUE(tracker_.wants_key_frame(at(170) + FrameTracker::request_interval));
  frame(6, true);
  EXPECT_EQ(tracker_.counts().decoded, 1U);
  EXPECT_FALSE(tracker_.waits_for_key_frame());
}

TEST_F(FrameTrackerTest, ARepairThatComesInTimeCostsNothing) {
  frame(0, true);
  packet(1, 0);
  frame(2);
  EXPECT_FALSE(tracker_.wants_key_frame(at(100)));
  packet(1, 1);
  EXPECT_EQ(tracker_.counts().decoded, 3U);
  EXPECT_EQ(tracker_.counts().freezes, 0U);
}

TEST_F(FrameTrackerTest, WithoutRepairOnlyAKeyFrameHelps) {
  frame(0, true);
  packet(1, 0);
  for (std::uint32_t n = 2; n < 20; ++n) frame(n);
  EXPECT_TRUE(tracker_.wants_key_frame(at(20 * 33)));
  EXPECT_EQ(tracker_.counts().freezes, 1U);
  packet(1, 1);  // too late to matter: what follows it was given up
  frame(20, true);
  frame(21);
  EXPECT_EQ(tracker_.counts().skipped, 19U);
  EXPECT_EQ(tracker_.counts().decoded, 3U);
}

TEST_F(FrameTrackerTest, NoticesAPictureIdThatDoesNotFollow) {
  frame(0, true);
  tracker_.on_packet(at(33), {.stream = 1, .counter = 0, .sent = {}, .frame = 1, .index = 0, .count = 1, .key_frame = false},
                     1234);
  EXPECT_EQ(tracker_.counts().decoded, 2U);
  EXPECT_EQ(tracker_.counts().picture_id_breaks, 1U);
}

TEST_F(FrameTrackerTest, AnOutageOfSecondsIsAFreeze) {
  frame(0, true);
  frame(400);
  EXPECT_EQ(tracker_.counts().freezes, 1U);
  frame(401, true);
  EXPECT_EQ(tracker_.counts().decoded, 2U);
}

TEST_F(FrameTrackerTest, TheTimeUpToTheEndIsStill) {
  frame(0, true);
  tracker_.finish(at(5000));
  EXPECT_EQ(tracker_.counts().longest_still, milliseconds(5000));
}

}  // namespace
}  // namespace sluice::load
