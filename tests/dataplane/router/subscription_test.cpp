#include "dataplane/router/subscription.hpp"

#include "tests/dataplane/router/router_rig.hpp"

namespace sluice::router_test {
namespace {

using std::chrono::milliseconds;

class SubscriptionTest : public RouterRig {
 protected:
  SubscriptionTest() {
    publication.rids = {*Rid::from("q"), *Rid::from("h")};
    program();
  }
  static constexpr std::array<std::uint32_t, 2> ssrcs{1000, 2000};
  /// The next frame (one packet) of a layer, 33 ms after the last one.
  std::vector<Got> frame(std::uint8_t layer, bool key, std::uint32_t ssrc = 0) {
    pass(milliseconds(33));
    Outline o;
    o.ssrc = ssrc == 0 ? ssrcs[layer] : ssrc;
    o.rid = layer == 0 ? "q" : "h";
    o.layer = layer;
    o.key_frame = key;
    o.sequence = sequence[layer]++;
    o.picture_id = static_cast<std::uint16_t>(picture[layer]++ & (wide ? 0x7fff : 0x7f));
    o.timestamp = static_cast<std::uint32_t>(rig.now.time_since_epoch() / milliseconds(1) * 90);
    o.wide = wide;
    return send(o);
  }
  std::vector<Got> padding(std::uint8_t layer) {
    Outline o;
    o.ssrc = ssrcs[layer];
    o.rid = layer == 0 ? "q" : "h";
    o.sequence = sequence[layer]++;
    o.timestamp = static_cast<std::uint32_t>(rig.now.time_since_epoch() / milliseconds(1) * 90);
    o.padding = true;
    return send(o);
  }
  std::array<std::uint16_t, 2> sequence{60'000, 100};
  std::array<std::uint16_t, 2> picture{500, 900};
  bool wide = true;
};

TEST_F(SubscriptionTest, BeginsWithAKeyFrameAndHasOneNumbering) {
  EXPECT_TRUE(frame(0, false).empty());
  const auto first = frame(0, true);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].ssrc, Ssrc{50});
  const auto second = frame(0, false);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].sequence, first[0].sequence + 1);
  EXPECT_EQ(second[0].timestamp - first[0].timestamp, 33U * 90);
  EXPECT_EQ(*second[0].vp8->picture_id, *first[0].vp8->picture_id + 1);
}

// --- a layer that goes on under another SSRC

TEST_F(SubscriptionTest, TheLayerItShowsGoesOnUnderAnotherSsrcWithItsNextKeyFrame) {
  ASSERT_EQ(frame(0, true).size(), 1U);
  const auto last = frame(0, false).at(0);
  sequence[0] = 7;  // far below the old numbers: not late, but new
  picture[0] = 30;
  EXPECT_TRUE(frame(0, false, 1001).empty()) << "a picture that refers to what the subscriber never got";
  EXPECT_EQ(row().current_layer(), std::nullopt);
  EXPECT_EQ(row().key_frame_wanted(rig.now), 0);
  const auto next = frame(0, true, 1001);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].sequence, static_cast<std::uint16_t>(last.sequence + 1)) << "no hole";
  EXPECT_EQ(*next[0].vp8->picture_id, *last.vp8->picture_id + 1);
  EXPECT_NEAR(static_cast<double>(next[0].timestamp - last.timestamp), 66.0 * 90, 90) << "two frames later";
  EXPECT_EQ(frame(0, false, 1001).at(0).sequence, static_cast<std::uint16_t>(last.sequence + 2));
}

TEST_F(SubscriptionTest, AnotherLayersNewSsrcDisturbsNothingAndCanBeSwitchedTo) {
  sequence[1] = 50'000;
  frame(1, true);
  ASSERT_EQ(row().current_layer(), 1);
  subscription.max_layer = 0;
  router.set_subscription(rig.now, subscription, &subscriber);
  ASSERT_EQ(frame(0, true).size(), 1U);
  ASSERT_EQ(row().current_layer(), 0);
  sequence[1] = 5;
  EXPECT_TRUE(frame(1, false, 2001).empty());
  EXPECT_EQ(row().current_layer(), 0) << "goes on";
  const auto before = frame(0, false);
  ASSERT_EQ(before.size(), 1U);
  subscription.max_layer = 1;
  router.set_subscription(rig.now, subscription, &subscriber);
  for (int i = 0; i < 20; ++i) {  // until it counts as stable
    frame(0, false);
    EXPECT_TRUE(frame(1, false, 2001).empty());
  }
  const auto after = frame(0, false);
  const auto switched = frame(1, true, 2001);
  ASSERT_EQ(switched.size(), 1U) << "its numbers are new ones, not late ones";
  EXPECT_EQ(switched[0].sequence, static_cast<std::uint16_t>(after.at(0).sequence + 1));
  EXPECT_EQ(row().current_layer(), 1);
}

// --- padding

TEST_F(SubscriptionTest, PaddingLeavesNoHole) {
  const auto first = frame(0, true).at(0);
  EXPECT_TRUE(padding(0).empty());
  EXPECT_TRUE(padding(0).empty());
  EXPECT_EQ(frame(0, false).at(0).sequence, static_cast<std::uint16_t>(first.sequence + 1));
}

TEST_F(SubscriptionTest, PaddingThatComesLateFillsItsReservedPlaceWithAnEmptyPacket) {
  const auto first = frame(0, true).at(0);
  const std::uint16_t place = sequence[0]++;
  const auto next = frame(0, false).at(0);
  EXPECT_EQ(next.sequence, static_cast<std::uint16_t>(first.sequence + 2)) << "a place is kept";
  const std::uint16_t resume = sequence[0];
  sequence[0] = place;
  const auto late = padding(0);
  sequence[0] = resume;
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].sequence, static_cast<std::uint16_t>(first.sequence + 1));
  EXPECT_EQ(late[0].payload_size, 0U);
}

TEST_F(SubscriptionTest, PaddingWhileItWaitsForAKeyFrameTakesNoPlace) {
  frame(0, true);
  const auto last = frame(0, false).at(0);
  for (const bool active : {false, true}) {
    subscription.active = active;
    router.set_subscription(rig.now, subscription, &subscriber);
  }
  EXPECT_TRUE(frame(0, false).empty()) << "waits for a key frame";
  EXPECT_TRUE(frame(0, false).empty());
  EXPECT_TRUE(padding(0).empty());
  EXPECT_TRUE(frame(0, false).empty());
  EXPECT_TRUE(padding(0).empty());
  EXPECT_EQ(frame(0, true).at(0).sequence, static_cast<std::uint16_t>(last.sequence + 1)) << "what was dropped is no hole";
}

TEST_F(SubscriptionTest, PaddingOfALayerItDoesNotShowIsNothing) {
  frame(1, true);
  const auto first = frame(1, false).at(0);
  EXPECT_TRUE(padding(0).empty());
  EXPECT_EQ(frame(1, false).at(0).sequence, static_cast<std::uint16_t>(first.sequence + 1));
}

// --- picture ids of 7 bits

TEST_F(SubscriptionTest, SevenBitPictureIdsStaySoAndWrapWithoutAGap) {
  wide = false;
  picture[0] = 120;
  std::uint16_t expected = static_cast<std::uint16_t>(*frame(0, true).at(0).vp8->picture_id);
  for (int i = 0; i < 300; ++i) {
    const auto got = frame(0, false);
    ASSERT_EQ(got.size(), 1U) << i;
    EXPECT_FALSE(got[0].vp8->picture_id_is_15_bits);
    expected = static_cast<std::uint16_t>((expected + 1) & 0x7f);
    ASSERT_EQ(*got[0].vp8->picture_id, expected) << i;
  }
}

TEST_F(SubscriptionTest, SevenBitPictureIdsGoOnOverAChangeOfLayer) {
  wide = false;
  picture[0] = 126;
  picture[1] = 3;
  frame(0, true);
  const auto last = frame(0, false).at(0);
  for (int i = 0; i < 3; ++i) frame(1, false);
  const auto next = frame(1, true);
  ASSERT_EQ(next.size(), 0U) << "not stable yet";
  for (int i = 0; i < 20; ++i) frame(1, false);
  const auto switched = frame(1, true);
  ASSERT_EQ(switched.size(), 1U);
  EXPECT_EQ(*switched[0].vp8->picture_id, (*last.vp8->picture_id + 1) & 0x7f);
}

TEST_F(SubscriptionTest, ARetransmissionHasTheSevenBitPictureIdOfItsOriginal) {
  wide = false;
  picture[0] = 125;
  frame(0, true);
  std::vector<Got> sent;
  for (int i = 0; i < 6; ++i) sent.push_back(frame(0, false).at(0));
  pass(milliseconds(50));
  for (const Got& original : sent) {
    const auto again = nack(original.sequence);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].ssrc, Ssrc{51});
    EXPECT_EQ(again[0].original, original.sequence);
    EXPECT_EQ(again[0].timestamp, original.timestamp);
    EXPECT_EQ(*again[0].vp8->picture_id, *original.vp8->picture_id);
    EXPECT_FALSE(again[0].vp8->picture_id_is_15_bits);
  }
}

// --- retransmissions

TEST_F(SubscriptionTest, APlaceThatWasNeverFilledIsNotResent) {
  frame(0, true);
  ++sequence[0];  // lost on the way up
  const auto next = frame(0, false).at(0);
  EXPECT_TRUE(nack(static_cast<std::uint16_t>(next.sequence - 1)).empty());
  EXPECT_EQ(rig.counter(Counter::rtx_cache_misses), 1U);
}

TEST_F(SubscriptionTest, APausedOrDeniedSubscriptionResendsNothing) {
  frame(0, true);
  const auto sent = frame(0, false).at(0);
  publication.forward = false;
  router.set_publication(rig.now, publication, &publisher);
  EXPECT_TRUE(nack(sent.sequence).empty());
  publication.forward = true;
  router.set_publication(rig.now, publication, &publisher);
  subscription.active = false;
  router.set_subscription(rig.now, subscription, &subscriber);
  EXPECT_TRUE(nack(sent.sequence).empty());
}

}  // namespace
}  // namespace sluice::router_test
