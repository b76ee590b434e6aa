#include "dataplane/transport/ssrc_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace sluice {
namespace {

constexpr PublicationId first{1, 1};
constexpr PublicationId second{2, 1};
using enum StreamRole;
using enum BindingOrigin;

struct Table {
  std::unique_ptr<SsrcTableState> state = std::make_unique<SsrcTableState>();
  SsrcTable table{*state};
};

TEST(SsrcTable, KnowsWhatWasBoundAndNothingElse) {
  Table t;
  EXPECT_EQ(t.table.find(Ssrc{7}), nullptr);
  ASSERT_TRUE(t.table.bind(Ssrc{7}, first, 2, rtx, learned));
  const SsrcBinding* row = t.table.find(Ssrc{7});
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->publication(), first);
  EXPECT_EQ(row->layer, 2);
  EXPECT_EQ(row->role, rtx);
  EXPECT_EQ(t.table.find(Ssrc{8}), nullptr);
  EXPECT_EQ(t.table.size(), 1U);
}

TEST(SsrcTable, WhatPacketsSayNeverChangesABinding) {
  for (const BindingOrigin origin : {learned, declared}) {
    Table t;
    ASSERT_TRUE(t.table.bind(Ssrc{7}, first, 0, media, origin));
    EXPECT_EQ(t.table.bind(Ssrc{7}, second, 0, media, learned).error(), BindError::bound_otherwise);
    EXPECT_EQ(t.table.bind(Ssrc{7}, first, 1, media, learned).error(), BindError::bound_otherwise);
    EXPECT_EQ(t.table.bind(Ssrc{7}, first, 0, rtx, learned).error(), BindError::bound_otherwise);
    EXPECT_TRUE(t.table.bind(Ssrc{7}, first, 0, media, learned)) << "the same again";
    EXPECT_EQ(t.table.find(Ssrc{7})->origin, origin);
    EXPECT_EQ(t.table.size(), 1U);
  }
}

TEST(SsrcTable, WhatTheOfferSaysReplacesWhatWasLearnedButNotWhatItSaidBefore) {
  Table t;
  ASSERT_TRUE(t.table.bind(Ssrc{7}, first, 0, media, learned));
  ASSERT_TRUE(t.table.bind(Ssrc{7}, second, 1, media, declared));
  EXPECT_EQ(t.table.find(Ssrc{7})->publication(), second);
  EXPECT_EQ(t.table.bind(Ssrc{7}, first, 0, media, declared).error(), BindError::bound_otherwise);
  ASSERT_TRUE(t.table.bind(Ssrc{8}, first, 0, media, learned));
  ASSERT_TRUE(t.table.bind(Ssrc{8}, first, 0, media, declared)) << "confirmed";
  EXPECT_EQ(t.table.find(Ssrc{8})->origin, declared);
}

TEST(SsrcTable, TakesSixtyFour) {
  Table t;
  for (std::uint32_t i = 1; i <= incoming_ssrcs_max; ++i) ASSERT_TRUE(t.table.bind(Ssrc{i}, first, 0, media, learned));
  EXPECT_EQ(t.table.bind(Ssrc{1000}, first, 0, media, learned).error(), BindError::table_full);
  EXPECT_EQ(t.table.bind(Ssrc{1000}, first, 0, media, declared).error(), BindError::table_full);
  EXPECT_TRUE(t.table.bind(Ssrc{64}, first, 0, media, learned)) << "known ones need no room";
  t.table.release(Ssrc{3});
  EXPECT_TRUE(t.table.bind(Ssrc{1000}, first, 0, media, learned));
  for (std::uint32_t i = 1; i <= incoming_ssrcs_max; ++i) EXPECT_EQ(t.table.find(Ssrc{i}) == nullptr, i == 3) << i;
}

TEST(SsrcTable, ReleasesAllOfOnePublicationAndTellsEach) {
  Table t;
  for (std::uint32_t i = 1; i <= 6; ++i) ASSERT_TRUE(t.table.bind(Ssrc{i}, i % 2 == 0 ? first : second, 0, media, declared));
  std::vector<std::uint32_t> told;
  t.table.release(first, [&](Ssrc ssrc) { told.push_back(ssrc.value); });
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, (std::vector<std::uint32_t>{2, 4, 6}));
  EXPECT_EQ(t.table.size(), 3U);
  for (std::uint32_t i = 1; i <= 6; ++i) EXPECT_EQ(t.table.find(Ssrc{i}) != nullptr, i % 2 == 1) << i;
  t.table.release(PublicationId{2, 2}, [](Ssrc) { FAIL() << "another incarnation"; });
  EXPECT_EQ(t.table.size(), 3U);
}

TEST(SsrcTable, ASuccessorKnowsTheBindings) {
  Table t;
  ASSERT_TRUE(t.table.bind(Ssrc{7}, first, 1, media, declared));
  ASSERT_TRUE(t.table.bind(Ssrc{8}, second, 0, rtx, learned));
  t.table.release(Ssrc{7});
  const SsrcTable adopted(*t.state);
  EXPECT_EQ(adopted.size(), 1U);
  EXPECT_EQ(adopted.find(Ssrc{7}), nullptr);
  ASSERT_NE(adopted.find(Ssrc{8}), nullptr);
  EXPECT_EQ(adopted.find(Ssrc{8})->publication(), second);
}

TEST(SsrcTable, DoesNotBelieveACountBeyondItsRows) {
  Table t;
  t.state->count = 0xffff'ffffU;
  const SsrcTable adopted(*t.state);
  EXPECT_EQ(adopted.size(), incoming_ssrcs_max);
}

}  // namespace
}  // namespace sluice
