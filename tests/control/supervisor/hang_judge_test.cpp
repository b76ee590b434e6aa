#include "control/supervisor/hang_judge.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;
using Verdict = HangJudge::Verdict;

/// A machine on which one child runs, looked at every 50 ms.
class HangJudgeTest : public testing::Test {
 protected:
  HangJudgeTest() {
    judge_.restart(now_);
    beat(1);
  }
  void beat(std::uint64_t beats) {
    beats_ = beats;
    EXPECT_EQ(step('R', 0ms), Verdict::fine);
  }
  Verdict step(char state, Duration burns, Duration time = 50ms) {
    now_ += time;
    cpu_ += burns;
    return judge_.observe(now_, {beats_, state, cpu_});
  }
  /// The silence after which it is judged, or 0 if it is left alone for `limit`.
  Duration silence_until_judged(char state, Duration burns, Duration limit = 60s) {
    for (Duration passed = 50ms; passed <= limit; passed += 50ms) {
      verdict_ = step(state, burns);
      if (verdict_ != Verdict::fine) return passed;
    }
    return {};
  }
  TimePoint now_{100s};
  Duration cpu_{3s};
  std::uint64_t beats_ = 0;
  HangJudge judge_{HangLimits{}};
  Verdict verdict_ = Verdict::fine;
};

TEST_F(HangJudgeTest, LeavesABeatingChildAlone) {
  for (std::uint64_t beats = 2; beats < 100; ++beats) {
    beats_ = beats;
    EXPECT_EQ(step('R', 50ms), Verdict::fine);
    EXPECT_EQ(step('S', 10ms), Verdict::fine);
  }
}

TEST_F(HangJudgeTest, FindsAStoppedChildAfter150Milliseconds) {
  EXPECT_EQ(silence_until_judged('T', 0ms), 150ms);
  EXPECT_EQ(verdict_, Verdict::stopped);
  judge_.restart(now_);
  beats_ = 0;
  EXPECT_EQ(silence_until_judged('t', 0ms), 150ms) << "before its first beat as well";
}

TEST_F(HangJudgeTest, FindsAChildThatBurnsTheCpuAfter150Milliseconds) {
  EXPECT_EQ(silence_until_judged('R', 50ms), 150ms);
  EXPECT_EQ(verdict_, Verdict::hung);
}

TEST_F(HangJudgeTest, FindsAChildThatSleepsThroughItsTimer) {
  EXPECT_EQ(silence_until_judged('S', 0ms), 300ms);
  EXPECT_EQ(verdict_, Verdict::hung);
  beat(2);
  EXPECT_EQ(silence_until_judged('D', 0ms), 300ms);
}

TEST_F(HangJudgeTest, DoesNotBlameAStarvedChild) {
  EXPECT_EQ(silence_until_judged('R', 0ms), Duration::zero());
  // It gets a little in a minute and does not come to its beat.
  beat(2);
  EXPECT_EQ(silence_until_judged('R', 1ms, 5s), Duration::zero());
  beat(3);
  EXPECT_EQ(step('R', 40ms), Verdict::fine) << "the beat forgives what was burnt before it";
}

TEST_F(HangJudgeTest, JudgesAStarvedChildByTheCpuItHad) {
  EXPECT_EQ(silence_until_judged('R', 5ms), 25 * 50ms);
}

TEST_F(HangJudgeTest, DoesNotBlameAChildThatSleepsAndIsRunnableInTurn) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(step('S', 0ms), Verdict::fine);
    EXPECT_EQ(step('R', 0ms), Verdict::fine);
  }
}

TEST_F(HangJudgeTest, IsMorePatientWithAStart) {
  judge_.restart(now_);
  beats_ = 0;
  EXPECT_FALSE(judge_.has_beaten());
  EXPECT_EQ(silence_until_judged('D', 0ms), 5s);
  judge_.restart(now_);
  EXPECT_EQ(silence_until_judged('R', 50ms), 5s + 50ms) << "the first look only learns how much CPU it had";
  judge_.restart(now_);
  EXPECT_EQ(silence_until_judged('R', 0ms), Duration::zero());
}

TEST_F(HangJudgeTest, BlamesNobodyForAMachineThatStoodStill) {
  EXPECT_EQ(step('T', 0ms, 1h), Verdict::fine);
  beat(2);
  EXPECT_EQ(step('S', 0ms, 1h), Verdict::fine);
  beat(3);
  // A virtual machine's guest may take the time for CPU time of the process.
  EXPECT_EQ(step('R', 1h, 1h), Verdict::fine);
}

TEST_F(HangJudgeTest, FallsBackToSilenceWhereProcessesAreHidden) {
  Duration passed{};
  while (passed < 60s && judge_.observe(now_, {beats_, '?', std::nullopt}) == Verdict::fine) {
    now_ += 50ms;
    passed += 50ms;
  }
  EXPECT_EQ(passed, 2s);
}

TEST_F(HangJudgeTest, IsSilentWhenTheCountIsNoNews) {
  EXPECT_TRUE(judge_.is_silent(1));
  EXPECT_FALSE(judge_.is_silent(2));
  judge_.restart(now_);
  EXPECT_TRUE(judge_.is_silent(0));
}

}  // namespace
}  // namespace sluice::supervisor
