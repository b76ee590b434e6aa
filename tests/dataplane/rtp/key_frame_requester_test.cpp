#include "dataplane/rtp/key_frame_requester.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};

TEST(KeyFrameRequester, TheFirstWishGoesAtOnce) {
  KeyFrameRequesterState state;
  KeyFrameRequester requester(state);
  EXPECT_EQ(requester.next_deadline(), never);
  EXPECT_FALSE(requester.poll(start));
  requester.want(start);
  EXPECT_LE(requester.next_deadline(), start);
  EXPECT_TRUE(requester.poll(start));
  EXPECT_FALSE(requester.poll(start));
}

TEST(KeyFrameRequester, WishesWithinHalfASecondMergeIntoOne) {
  KeyFrameRequesterState state;
  KeyFrameRequester requester(state);
  int requests = 0;
  for (int i = 0; i < 100; ++i) {  // a hundred wishes in 495 ms
    const TimePoint now = start + milliseconds(5 * i);
    requester.want(now);
    requests += requester.poll(now) ? 1 : 0;
    if (i == 10) requester.on_key_frame(now);
  }
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(requester.next_deadline(), start + milliseconds(500));
  EXPECT_TRUE(requester.poll(start + milliseconds(500)));
  EXPECT_EQ(state.requests, 2U);
  EXPECT_EQ(state.merged, 99U);
}

TEST(KeyFrameRequester, RepeatsWhileNoKeyFrameComes) {
  KeyFrameRequesterState state;
  KeyFrameRequester requester(state);
  requester.want(start);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(i > 0 && requester.poll(start + milliseconds(500 * i - 1)));
    EXPECT_TRUE(requester.poll(start + milliseconds(500 * i)));
  }
  requester.on_key_frame(start + milliseconds(2100));
  EXPECT_EQ(requester.next_deadline(), never);
  EXPECT_FALSE(requester.poll(start + milliseconds(5000)));
}

TEST(KeyFrameRequester, CancelForgetsTheWishButNotTheInterval) {
  KeyFrameRequesterState state;
  KeyFrameRequester requester(state);
  requester.want(start);
  EXPECT_TRUE(requester.poll(start));
  requester.cancel();
  EXPECT_EQ(requester.next_deadline(), never);
  requester.want(start + milliseconds(100));
  EXPECT_FALSE(requester.poll(start + milliseconds(100)));
  EXPECT_TRUE(requester.poll(start + milliseconds(500)));
}

TEST(KeyFrameRequester, ASuccessorKeepsTheInterval) {
  KeyFrameRequesterState state;
  KeyFrameRequester(state).want(start);
  EXPECT_TRUE(KeyFrameRequester(state).poll(start));
  EXPECT_FALSE(KeyFrameRequester(state).poll(start + milliseconds(499)));
  EXPECT_TRUE(KeyFrameRequester(state).poll(start + milliseconds(500)));
}

TEST(KeyFrameLimiter, HearsASubscriberOnceASecond) {
  KeyFrameLimiterState state;
  KeyFrameLimiter limiter(state);
  int accepted = 0;
  for (int i = 0; i < 10'000; i += 10) accepted += limiter.accept(start + milliseconds(i)) ? 1 : 0;
  EXPECT_EQ(accepted, 10);
  EXPECT_EQ(state.refused, 990U);
}

}  // namespace
}  // namespace sluice
