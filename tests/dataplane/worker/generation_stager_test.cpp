#include "dataplane/worker/generation_stager.hpp"

#include <gtest/gtest.h>

#include "tests/sim/commands.hpp"

namespace sluice {
namespace {

using enum StagingOutcome;
using sim::begin;
using sim::command;
using sim::commit;
using sim::removal;
using Slots = std::vector<std::uint32_t>;

struct GenerationStagerTest : testing::Test {
  StagingOutcome tell(const sim::CommandMessage& message) { return stager.handle(message.get()); }
  template <typename... Messages>
  StagingOutcome generation(std::uint64_t number, bool snapshot, const Messages&... messages) {
    EXPECT_EQ(tell(begin(number, snapshot)), staged);
    (tell(messages), ...);
    return tell(commit(number));
  }
  static sim::CommandMessage transport(std::uint32_t slot, std::uint32_t incarnation = 1, std::uint32_t cap = 0) {
    return command(sim::TransportWish{{slot, incarnation}, "frag", std::string(24, 'p'), "peer", {}, 1, cap});
  }
  static sim::CommandMessage publication(std::uint32_t slot) {
    return command(sim::PublicationWish{{slot, 1}, {0, 1}, true, "v", {}, true, 96, {}});
  }
  static sim::CommandMessage remove_transport(std::uint32_t slot, std::uint32_t incarnation = 1) {
    return removal(schema::EntityKind::transport, TransportId{slot, incarnation}.packed());
  }
  GenerationStager stager{TableSizes{4, 4, 4}};
};

TEST_F(GenerationStagerTest, NothingHoldsBeforeItsCommit) {
  EXPECT_EQ(tell(begin(1, false)), staged);
  EXPECT_EQ(tell(transport(2)), staged);
  EXPECT_TRUE(stager.committed().transports.empty());
  EXPECT_EQ(tell(commit(1)), committed);
  EXPECT_EQ(stager.committed().transports.size(), 1U);
  EXPECT_EQ(stager.generation(), 1U);
  EXPECT_EQ(stager.changes().transports, Slots{2});
}

TEST_F(GenerationStagerTest, OneBadCommandSpoilsItsGenerationAndNoOther) {
  ASSERT_EQ(generation(1, false, transport(0)), committed);
  EXPECT_EQ(tell(begin(2, false)), staged);
  EXPECT_EQ(tell(transport(1)), staged);
  EXPECT_EQ(tell(transport(4)), refused) << "no such slot";
  EXPECT_EQ(stager.staging_generation(), 2U);
  EXPECT_EQ(tell(transport(2)), ignored);
  EXPECT_EQ(tell(remove_transport(0)), ignored);
  EXPECT_EQ(tell(transport(4)), ignored) << "told once";
  EXPECT_EQ(tell(commit(2)), ignored);
  EXPECT_EQ(stager.generation(), 1U);
  EXPECT_EQ(stager.committed().transports.size(), 1U);
  EXPECT_EQ(generation(3, true, transport(1)), committed);
  EXPECT_EQ(stager.changes().transports, (Slots{0, 1}));
}

TEST_F(GenerationStagerTest, RefusesWhatStandsOutsideAGeneration) {
  EXPECT_EQ(tell(transport(0)), refused);
  EXPECT_EQ(generation(1, false), committed);
  EXPECT_EQ(tell(commit(1)), refused);
  EXPECT_EQ(generation(2, false), committed);
  EXPECT_EQ(tell(remove_transport(0)), refused);
}

TEST_F(GenerationStagerTest, RefusesTheCommitOfAnotherGeneration) {
  EXPECT_EQ(tell(begin(5, false)), staged);
  EXPECT_EQ(tell(commit(6)), refused);
  EXPECT_EQ(tell(commit(5)), ignored);
  EXPECT_EQ(stager.generation(), 0U);
}

TEST_F(GenerationStagerTest, RefusesAnUnknownKindOfEntityAndWhatIsNoDesiredState) {
  EXPECT_EQ(tell(begin(1, false)), staged);
  EXPECT_EQ(tell(removal(static_cast<schema::EntityKind>(4), 1)), refused);
  flatbuffers::FlatBufferBuilder b;
  EXPECT_EQ(tell(begin(1, false)), staged);
  EXPECT_EQ(tell({b, schema::CreateRequestKeyFrame(b, 1)}), refused);
}

TEST_F(GenerationStagerTest, ABeginInsideAGenerationStartsOver) {
  EXPECT_EQ(tell(begin(1, false)), staged);
  EXPECT_EQ(tell(transport(0)), staged);
  ASSERT_EQ(generation(1, false, transport(1)), committed);
  EXPECT_EQ(stager.changes().transports, Slots{1});
}

TEST_F(GenerationStagerTest, AGenerationThatComesAgainChangesNothing) {
  ASSERT_EQ(generation(2, false, transport(0)), committed);
  EXPECT_EQ(generation(2, false, remove_transport(0)), repeated);
  EXPECT_EQ(generation(1, false, remove_transport(0)), repeated);
  EXPECT_EQ(stager.committed().transports.size(), 1U);
  EXPECT_EQ(stager.generation(), 2U);
}

TEST_F(GenerationStagerTest, ASnapshotMayGoBackInGenerations) {
  ASSERT_EQ(generation(9, false, transport(0)), committed);
  EXPECT_EQ(generation(1, true, transport(1)), committed);
  EXPECT_EQ(stager.generation(), 1U);
  EXPECT_EQ(generation(2, false, transport(2)), committed);
}

TEST_F(GenerationStagerTest, TellsOnlyWhatDiffers) {
  ASSERT_EQ(generation(1, false, transport(3), transport(0), publication(1)), committed);
  EXPECT_EQ(stager.changes().transports, (Slots{0, 3}));
  EXPECT_EQ(stager.changes().publications, Slots{1});
  ASSERT_EQ(generation(2, false, transport(3), transport(0, 1, 5)), committed);
  EXPECT_EQ(stager.changes().transports, Slots{0}) << "the same wish again is none";
  ASSERT_EQ(generation(3, true, transport(0, 1, 5), transport(2)), committed);
  EXPECT_EQ(stager.changes().transports, (Slots{2, 3}));
  EXPECT_EQ(stager.changes().publications, Slots{1});
  EXPECT_TRUE(stager.changes().subscriptions.empty());
}

TEST_F(GenerationStagerTest, DropsWhatNamesAnOlderIncarnation) {
  ASSERT_EQ(generation(1, false, transport(0, 5)), committed);
  ASSERT_EQ(generation(2, false, transport(0, 4), remove_transport(0, 4)), committed);
  EXPECT_EQ(stager.stale_count(), 2U);
  EXPECT_EQ(stager.committed().transports.at(0).id.incarnation, 5U);
  ASSERT_EQ(generation(3, false, remove_transport(0, 5)), committed);
  ASSERT_EQ(generation(4, false, transport(0, 5)), committed);
  EXPECT_TRUE(stager.committed().transports.empty()) << "once removed, an incarnation is over";
  ASSERT_EQ(generation(5, false, transport(0, 6)), committed);
  EXPECT_EQ(stager.committed().transports.at(0).id.incarnation, 6U);
  ASSERT_EQ(generation(6, true, transport(0, 2)), committed);
  EXPECT_EQ(stager.committed().transports.at(0).id.incarnation, 2U) << "a snapshot knows better";
}

TEST_F(GenerationStagerTest, ARemovalBeyondTheTablesIsHarmless) {
  ASSERT_EQ(generation(1, false, transport(0), remove_transport(4'000'000'000U)), committed);
  EXPECT_EQ(stager.committed().transports.size(), 1U);
}

TEST_F(GenerationStagerTest, AGenerationHasABound) {
  EXPECT_EQ(tell(begin(1, false)), staged);
  StagingOutcome last = staged;
  int taken = 0;
  for (; taken < 100 && last == staged; ++taken) last = tell(transport(0));
  EXPECT_EQ(last, refused);
  EXPECT_EQ(taken, 2 * (4 + 4 + 4) + 16 + 1);
}

sim::PublicationWish decided(std::uint32_t epoch, bool open, std::uint32_t incarnation = 1) {
  sim::PublicationWish wish{{0, incarnation}, {0, 1}, true, "v", {}, open, 96, {}};
  wish.policy_epoch = epoch;
  return wish;
}

TEST_F(GenerationStagerTest, AnOlderDecisionOpensNothingInASnapshotEither) {
  ASSERT_EQ(generation(1, true, transport(0), command(decided(5, false))), committed);
  for (const bool snapshot : {false, true}) {
    const std::uint64_t number = stager.generation() + 1;
    ASSERT_EQ(generation(number, snapshot, transport(0), command(decided(4, true))), committed);
    EXPECT_FALSE(stager.committed().publications.at(0).forward);
    EXPECT_EQ(stager.committed().publications.at(0).policy_epoch, 5U);
    EXPECT_TRUE(stager.changes().publications.empty()) << "nothing has changed";
  }
  EXPECT_EQ(stager.stale_policy_count(), 2U);
  ASSERT_EQ(generation(9, true, transport(0), command(decided(6, true))), committed);
  EXPECT_TRUE(stager.committed().publications.at(0).forward);
  ASSERT_EQ(generation(10, false, command(decided(1, true, 2))), committed);
  EXPECT_TRUE(stager.committed().publications.at(0).forward) << "another publication begins with its own decision";
}

TEST_F(GenerationStagerTest, OfASubscriptionToo) {
  sim::SubscriptionWish wish{{0, 1}, {0, 1}, true, "0", 7, 8, {0, 1}, false};
  wish.policy_epoch = 3;
  ASSERT_EQ(generation(1, true, transport(0), command(wish)), committed);
  wish.active = true;
  wish.policy_epoch = 2;
  ASSERT_EQ(generation(2, true, transport(0), command(wish)), committed);
  EXPECT_FALSE(stager.committed().subscriptions.at(0).active);
  wish.policy_epoch = 4;
  ASSERT_EQ(generation(3, false, command(wish)), committed);
  EXPECT_TRUE(stager.committed().subscriptions.at(0).active);
}

TEST_F(GenerationStagerTest, OpensOnlyByADecisionThatIsNotOlderThanTheClosing) {
  std::uint64_t number = 1;
  std::uint32_t random = 12345;
  const auto next = [&random] { return (random = random * 1664525U + 1013904223U) >> 16U; };
  std::uint32_t closed_by = 0;
  bool was_closed = false;
  std::uint32_t opened = 0;
  ASSERT_EQ(generation(number, true, transport(0), command(decided(1, true))), committed);
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t epoch = 1 + next() % 50 + static_cast<std::uint32_t>(i) / 60;
    const bool open = next() % 2 == 0;
    ASSERT_EQ(generation(++number, next() % 3 == 0, transport(0), command(decided(epoch, open))), committed);
    const PublicationSpec& held = stager.committed().publications.at(0);
    if (held.forward && was_closed) {
      ASSERT_TRUE(open);
      ASSERT_GE(epoch, closed_by) << "opened by an older decision than the one that closed it";
    }
    if (!held.forward) closed_by = held.policy_epoch;
    was_closed = !held.forward;
    ASSERT_GE(held.policy_epoch, epoch) << "numbers never fall";
    opened += held.forward ? 1U : 0U;
  }
  EXPECT_GT(opened, 10U);
}

}  // namespace
}  // namespace sluice
