#include "dataplane/rtp/vp8_rewriter.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr MediaSource low{{1, 1}, {100}, 0, {}};
constexpr MediaSource high{{1, 1}, {200}, 1, {}};

struct Subscription {
  Vp8RewriterState state;
  Vp8Rewriter rewriter{state};
  /// picture id * 1000 + tl0, or -1.
  int map(const MediaSource& source, int picture, int tl0) {
    const auto out = rewriter.map(source, {static_cast<std::uint16_t>(picture), static_cast<std::uint8_t>(tl0), true});
    return out ? out->picture_id * 1000 + out->tl0_picture_index : -1;
  }
  void skip(const MediaSource& source, int picture) {
    rewriter.skip(source, {static_cast<std::uint16_t>(picture), 0, true});
  }
  void begin(const MediaSource& source, int picture, int tl0) {
    rewriter.begin_source(source, {static_cast<std::uint16_t>(picture), static_cast<std::uint8_t>(tl0), true});
  }
};

TEST(Vp8Rewriter, KeepsTheFirstSourcesNumbersOverTheirWrap) {
  Subscription s;
  s.begin(low, 32'766, 254);
  EXPECT_EQ(s.map(low, 32'766, 254), 32'766'254);
  EXPECT_EQ(s.map(low, 32'766, 254), 32'766'254);
  EXPECT_EQ(s.map(low, 32'767, 255), 32'767'255);
  EXPECT_EQ(s.map(low, 0, 0), 0);
  EXPECT_EQ(s.map(low, 32'767, 255), 32'767'255);  // a late packet
  EXPECT_EQ(s.map(low, 32'765, 253), -1);          // before the key frame
}

TEST(Vp8Rewriter, GoesOnOverAChangeOfSource) {
  Subscription s;
  s.begin(low, 100, 10);
  s.map(low, 100, 10);
  s.map(low, 102, 11);  // 101 is missing
  s.begin(high, 7000, 200);
  EXPECT_EQ(s.map(high, 7000, 200), 103'012);
  EXPECT_EQ(s.map(high, 7001, 201), 104'013);
  EXPECT_EQ(s.map(low, 101, 10), 101'010);  // late, of the picture that was missing
  EXPECT_EQ(s.map(low, 103, 11), -1);       // after the change
  EXPECT_EQ(s.map(high, 6999, 200), -1);
}

TEST(Vp8Rewriter, SkippedPicturesLeaveNoGapAndLostOnesDo) {
  Subscription s;
  s.begin(low, 10, 1);
  EXPECT_EQ(s.map(low, 10, 1), 10'001);
  s.skip(low, 11);
  s.skip(low, 11);  // its second packet
  EXPECT_EQ(s.map(low, 12, 1), 11'001);
  s.skip(low, 13);
  EXPECT_EQ(s.map(low, 16, 2), 14'002);  // 14 and 15 are missing
  EXPECT_EQ(s.map(low, 13, 1), -1);
  EXPECT_EQ(s.map(low, 11, 1), -1);
  EXPECT_EQ(s.map(low, 14, 1), 12'001);
  EXPECT_EQ(s.map(low, 12, 1), 11'001);
  s.skip(low, 15);  // late: its hole cannot be closed any more
  EXPECT_EQ(s.map(low, 15, 1), -1);
  EXPECT_EQ(s.map(low, 17, 3), 15'003);
}

TEST(Vp8Rewriter, WhatWentMissingBeforeASkippedPictureKeepsItsIdsOverAChange) {
  Subscription s;
  s.begin(low, 10, 1);
  s.map(low, 10, 1);
  s.rewriter.skip(low, {12, 2, true});  // 11 is missing and was of the base layer
  s.begin(high, 500, 50);
  EXPECT_EQ(s.map(high, 500, 50), 12'003);
  EXPECT_EQ(s.map(low, 11, 2), 11'002);
}

TEST(Vp8Rewriter, UnderstandsSevenBitIds) {
  Subscription s;
  s.rewriter.begin_source(low, {127, 0, false});
  EXPECT_EQ(s.rewriter.map(low, {127, 0, false})->picture_id, 127);
  EXPECT_EQ(s.rewriter.map(low, {0, 1, false})->picture_id, 128);  // the writer keeps the low seven bits
  EXPECT_EQ(s.rewriter.map(low, {3, 2, false})->picture_id, 131);
  EXPECT_EQ(s.rewriter.map(low, {1, 1, false})->picture_id, 129);
  EXPECT_FALSE(s.rewriter.map(low, {3, 2, false})->wide);
}

TEST(Vp8Rewriter, ALongGapForgetsTheRingOnly) {
  Subscription s;
  s.begin(low, 1, 1);
  s.map(low, 1, 1);
  EXPECT_EQ(s.map(low, 5000, 90), 5'000'090);
  EXPECT_EQ(s.map(low, 4999, 90), 4'999'090);
  EXPECT_EQ(s.map(low, 5001, 91), 5'001'091);
}

TEST(Vp8Rewriter, ASuccessorGoesOn) {
  Subscription s;
  s.begin(low, 100, 10);
  s.map(low, 100, 10);
  s.begin(high, 7000, 200);
  s.map(high, 7000, 200);
  s.skip(high, 7001);
  s.map(high, 7002, 201);
  Vp8RewriterState copy = s.state;
  Vp8Rewriter successor(copy);
  EXPECT_EQ(successor.map(high, {7002, 201, true}), (Vp8PictureFields{102, 12, true}));
  EXPECT_EQ(successor.map(high, {7003, 202, true}), (Vp8PictureFields{103, 13, true}));
  EXPECT_FALSE(successor.map(high, {7000, 200, true}));  // before the last skipped one: not known any more
}

TEST(Vp8Rewriter, TagsHoldTheFields) {
  for (const Vp8PictureFields fields :
       {Vp8PictureFields{0, 0, false}, Vp8PictureFields{32'767, 255, true}, Vp8PictureFields{300, 7, true}}) {
    EXPECT_NE(Vp8Rewriter::to_tag(fields), 0U);
    EXPECT_EQ(Vp8Rewriter::from_tag(Vp8Rewriter::to_tag(fields)), fields);
  }
  EXPECT_FALSE(Vp8Rewriter::from_tag(0));
}

}  // namespace
}  // namespace sluice
