#include "control/supervisor/layout_report.hpp"

#include <gtest/gtest.h>

namespace sluice::supervisor {
namespace {

constexpr const char* report = "recovery 2.0 00000000000000ab 4096\nshared 1.3 ff 1024\nhandshake 1.0 1 512\n";

TEST(LayoutReport, ReadsWhatAWorkerPrints) {
  const auto layouts = parse_layouts(report);
  ASSERT_TRUE(layouts);
  ASSERT_EQ(layouts->size(), 3U);
  EXPECT_EQ((*layouts)[0].name, "recovery");
  EXPECT_EQ((*layouts)[0].identity.major, 2);
  EXPECT_EQ((*layouts)[0].identity.layout_hash, 0xabU);
  EXPECT_EQ((*layouts)[0].identity.size_bytes, 4096U);
  EXPECT_EQ((*layouts)[1].name, "shared");
  EXPECT_EQ((*layouts)[1].identity.minor, 3);
}

TEST(LayoutReport, RefusesAnythingElse) {
  for (const char* text : {"", "\n", "recovery", "recovery 2.0 ab 4096", "recovery 2 ab 4096\n", "recovery 2.0 xyz 4096\n",
                           "recovery 2.0 ab 4096 \n", "recovery 99999999.0 ab 4096\n", "Wishes 1.0 ab 4096\n",
                           " 1.0 ab 4096\n", "usage: sluice-worker\n", "recovery2 2.0 ab 4096\n", "recovery 2.0 ab -1\n"}) {
    EXPECT_FALSE(parse_layouts(text)) << text;
  }
}

TEST(LayoutReport, AdoptsTheSameWhateverTheMinorVersion) {
  const auto present = *parse_layouts(report);
  auto next = present;
  for (DescribedSegment& segment : next) ++segment.identity.minor;
  EXPECT_EQ(why_not_adoptable(present, next), "");
}

TEST(LayoutReport, RefusesAnotherMajorHashOrSizeAndWhatIsMissing) {
  const auto present = *parse_layouts(report);
  auto next = present;
  next[0].identity.major = 3;
  EXPECT_EQ(why_not_adoptable(present, next), "the recovery segment has version 3.0 there and 2.0 here");
  next = present;
  next[1].identity.layout_hash = 7;
  EXPECT_EQ(why_not_adoptable(present, next), "the shared segment is laid out differently there");
  next = present;
  next[2].identity.size_bytes = 1;
  EXPECT_EQ(why_not_adoptable(present, next), "the handshake segment is laid out differently there");
  next.pop_back();
  EXPECT_EQ(why_not_adoptable(present, next), "it does not know the handshake segment");
}

TEST(LayoutReport, DoesNotMindSegmentsThatOnlyTheOtherKnows) {
  const auto present = *parse_layouts(report);
  auto next = present;
  next.push_back({"recording", {}});
  EXPECT_EQ(why_not_adoptable(present, next), "");
}

TEST(LayoutReport, AsksNothingOfSegmentsThatNobodyHasFormatted) {
  EXPECT_EQ(why_not_adoptable({}, *parse_layouts(report)), "");
}

}  // namespace
}  // namespace sluice::supervisor
