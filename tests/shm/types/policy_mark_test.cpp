#include "shm/types/policy_mark.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(PolicyMark, ALaterDecisionHoldsWhateverItSays) {
  for (const bool held : {false, true}) {
    for (const bool wanted : {false, true}) {
      EXPECT_EQ(after({3, held}, {4, wanted}), (PolicyMark{4, wanted}));
      EXPECT_EQ(after({3, held}, {3, wanted}), (PolicyMark{3, wanted})) << "a pause and its end are no decisions";
      EXPECT_EQ(after({0, held}, {1, wanted}), (PolicyMark{1, wanted}));
      EXPECT_EQ(after({3, held}, {0, wanted}), (PolicyMark{0, wanted})) << "an earlier build knows no epochs";
    }
  }
}

TEST(PolicyMark, AnOlderDecisionClosesAndDoesNotOpen) {
  EXPECT_EQ(after({4, false}, {3, true}), (PolicyMark{4, false}));
  EXPECT_EQ(after({4, true}, {3, false}), (PolicyMark{4, false}));
  EXPECT_EQ(after({4, true}, {3, true}), (PolicyMark{4, true}));
}

TEST(PolicyMark, EpochsBeginAtOneAndEndAtTheTop) {
  EXPECT_EQ(mark_epoch(0), 1U);
  EXPECT_EQ(mark_epoch(41), 42U);
  EXPECT_EQ(mark_epoch(0xFFFF'FFFEU), 0xFFFF'FFFFU);
  EXPECT_EQ(mark_epoch(UINT64_MAX), 0xFFFF'FFFFU);
}

}  // namespace
}  // namespace sluice
