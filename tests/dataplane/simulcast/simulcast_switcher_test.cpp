#include "dataplane/simulcast/simulcast_switcher.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};

struct Subscription {
  SwitcherState state;
  SimulcastSwitcher switcher{state};
  LayerObserver layers{3};
  TimePoint now = start;

  void alive(unsigned mask, Duration time) {
    const TimePoint end = now + time;
    for (; now < end; now += milliseconds(33)) {
      layers.handle_timeout(now);
      const auto timestamp = static_cast<std::uint32_t>((now - start).count() * 9 / 100'000);
      for (std::uint8_t layer = 0; layer < 3; ++layer) {
        if ((mask >> layer & 1U) != 0) layers.on_packet(now, {layer, timestamp, 1000, true, false, 0, 0});
      }
    }
    layers.handle_timeout(now);
  }
  Verdict packet(std::uint8_t layer, std::int64_t sequence, std::uint32_t timestamp = 0, std::uint8_t temporal = 0,
                 bool sync = false) {
    return switcher.on_packet(now, layers, {layer, {sequence}, timestamp, true, false, temporal, sync});
  }
  Verdict key(std::uint8_t layer, std::int64_t sequence, std::uint32_t timestamp = 0) {
    return switcher.on_packet(now, layers, {layer, {sequence}, timestamp, true, true, 0, false});
  }
  std::optional<std::uint8_t> wanted() { return switcher.key_frame_wanted(now, layers); }
};

TEST(SimulcastSwitcher, WaitsForAKeyFrameOfAnyLayerAtFirst) {
  Subscription s;
  EXPECT_EQ(s.wanted(), std::nullopt);
  s.alive(0b111, milliseconds(1000));
  EXPECT_EQ(s.wanted(), 2);
  EXPECT_EQ(s.packet(0, 10), Verdict::drop);
  EXPECT_EQ(s.key(0, 11), Verdict::switched);
  EXPECT_EQ(s.switcher.current(), 0);
  EXPECT_EQ(s.wanted(), 2);
  EXPECT_EQ(s.packet(0, 12), Verdict::forward);
  EXPECT_EQ(s.key(2, 500), Verdict::switched);
  EXPECT_EQ(s.wanted(), std::nullopt);
  EXPECT_EQ(s.key(2, 530), Verdict::forward);
}

TEST(SimulcastSwitcher, TheTargetIsTheLowestOfAllCeilings) {
  struct Case {
    std::optional<std::uint8_t> ceiling;
    std::optional<std::uint8_t> allocation;
    unsigned alive;
    std::optional<std::uint8_t> target;
  };
  for (const Case& c :
       {Case{{}, {}, 0b111, 2}, Case{1, {}, 0b111, 1}, Case{{}, 0, 0b111, 0}, Case{2, 1, 0b111, 1}, Case{1, 2, 0b111, 1},
        Case{{}, {}, 0b011, 1}, Case{1, {}, 0b101, 0}, Case{0, {}, 0b110, 1}, Case{0, {}, 0b100, 2}, Case{{}, 0, 0b110, {}},
        Case{0, 1, 0b110, 1}, Case{0, 1, 0b100, {}}, Case{255, {}, 0b111, 2}}) {
    Subscription s;
    s.alive(c.alive, milliseconds(1000));
    s.switcher.set_ceiling(c.ceiling);
    s.switcher.set_allocation(c.allocation);
    EXPECT_EQ(s.switcher.target(s.now, s.layers), c.target);
  }
}

TEST(SimulcastSwitcher, ACeilingBelowAllThatIsAliveGivesTheLowestRatherThanBlack) {
  Subscription s;
  s.switcher.set_ceiling(0);
  s.alive(0b110, milliseconds(300));
  EXPECT_EQ(s.wanted(), std::nullopt) << "the lowest layer may still come";
  EXPECT_EQ(s.key(1, 1), Verdict::drop);
  s.alive(0b110, milliseconds(300));
  EXPECT_EQ(s.wanted(), 1);
  EXPECT_EQ(s.key(2, 5), Verdict::drop) << "no more than needed";
  EXPECT_EQ(s.key(1, 2), Verdict::switched);
  s.alive(0b111, milliseconds(66));
  EXPECT_EQ(s.wanted(), 0) << "the wish holds again at once";
  EXPECT_EQ(s.packet(1, 3), Verdict::forward);
  EXPECT_EQ(s.key(0, 1), Verdict::switched);
  EXPECT_EQ(s.key(1, 4), Verdict::drop);
  s.alive(0b100, milliseconds(700));
  EXPECT_EQ(s.wanted(), 2) << "the last that is left";
  EXPECT_EQ(s.key(2, 50), Verdict::switched);
}

TEST(SimulcastSwitcher, CeilingsSpeakOfQualityNotOfTheOrderOfRids) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  const std::uint16_t widths[3] = {1280, 640, 320};
  for (std::uint8_t i = 0; i < 3; ++i) s.layers.on_packet(s.now, {i, 1, 100, true, true, widths[i], widths[i]});
  s.switcher.set_ceiling(0);
  EXPECT_EQ(s.wanted(), 2);
  EXPECT_EQ(s.key(0, 5), Verdict::drop);
  EXPECT_EQ(s.key(2, 5), Verdict::switched);
}

TEST(SimulcastSwitcher, KeepsThePresentLayerUntilTheKeyFrameOfTheTarget) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  s.key(2, 100);
  s.switcher.set_allocation(0);
  EXPECT_EQ(s.wanted(), 0);
  EXPECT_EQ(s.packet(2, 101), Verdict::forward);
  EXPECT_EQ(s.packet(0, 50), Verdict::drop);
  EXPECT_EQ(s.key(1, 50), Verdict::drop);  // not the target
  EXPECT_EQ(s.key(0, 51), Verdict::switched);
  EXPECT_EQ(s.packet(2, 102), Verdict::drop);
  EXPECT_EQ(s.packet(2, 101), Verdict::late);
}

TEST(SimulcastSwitcher, PacketsAroundTheKeyFrameMayComeInAnyOrder) {
  Subscription s;
  s.alive(0b011, milliseconds(1000));
  s.switcher.set_ceiling(0);
  s.key(0, 10);
  s.packet(0, 13);
  s.switcher.set_ceiling({});
  EXPECT_EQ(s.packet(1, 202), Verdict::drop);  // of the key frame, before its first packet
  EXPECT_EQ(s.key(1, 201), Verdict::switched);
  EXPECT_EQ(s.packet(1, 203), Verdict::forward);
  EXPECT_EQ(s.packet(1, 202), Verdict::forward);
  EXPECT_EQ(s.packet(1, 200), Verdict::late);
  EXPECT_EQ(s.packet(0, 12), Verdict::late);
  EXPECT_EQ(s.packet(0, 14), Verdict::drop);
}

TEST(SimulcastSwitcher, FallsWhenThePresentLayerDiesAndRisesWhenItIsStableAgain) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  s.key(2, 100);
  s.alive(0b011, milliseconds(700));
  EXPECT_EQ(s.wanted(), 1);
  EXPECT_EQ(s.key(0, 10), Verdict::switched);  // not the best, but the picture stood still
  EXPECT_EQ(s.wanted(), 1);
  EXPECT_EQ(s.key(1, 10), Verdict::switched);
  s.alive(0b111, milliseconds(300));
  EXPECT_EQ(s.wanted(), std::nullopt);  // back, but not yet stable
  EXPECT_EQ(s.key(2, 200), Verdict::drop);
  s.alive(0b111, milliseconds(300));
  EXPECT_EQ(s.wanted(), 2);
  EXPECT_EQ(s.key(2, 230), Verdict::switched);
}

TEST(SimulcastSwitcher, NothingAliveWantsNothing) {
  Subscription s;
  s.alive(0b001, milliseconds(1000));
  s.key(0, 1);
  s.alive(0, milliseconds(3000));
  EXPECT_EQ(s.wanted(), std::nullopt);
  EXPECT_EQ(s.switcher.current(), 0);
  s.alive(0b001, milliseconds(33));
  EXPECT_EQ(s.wanted(), std::nullopt);  // it goes on where it was
  EXPECT_EQ(s.packet(0, 2), Verdict::forward);
}

TEST(SimulcastSwitcher, RestartForgetsTheLayerButNotTheCeiling) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  s.switcher.set_ceiling(1);
  s.key(1, 1);
  s.switcher.restart();
  EXPECT_EQ(s.switcher.current(), std::nullopt);
  EXPECT_EQ(s.packet(1, 2), Verdict::drop);
  EXPECT_EQ(s.wanted(), 1);
  EXPECT_EQ(s.key(1, 3), Verdict::switched);
}

TEST(SimulcastSwitcher, ALayerUnderANewSsrcBeginsWithAKeyFrame) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  s.key(1, 90'000);
  s.key(2, 80'000);
  s.switcher.forget_layer(1);  // not the present one
  EXPECT_EQ(s.packet(2, 80'001), Verdict::forward);
  EXPECT_EQ(s.packet(1, 70'000), Verdict::drop);
  s.switcher.forget_layer(2);
  EXPECT_EQ(s.packet(2, 70'000), Verdict::drop);
  EXPECT_EQ(s.key(2, 70'001), Verdict::switched);
  s.switcher.forget_layer(9);  // there is none
  EXPECT_EQ(s.key(9, 1), Verdict::drop);
}

TEST(SimulcastSwitcher, LatePacketsOfEveryLayerItHadMayFillHoles) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  s.key(0, 10);
  s.switcher.set_ceiling(1);
  s.key(1, 20);
  s.switcher.set_ceiling(2);
  s.key(2, 30);
  EXPECT_EQ(s.packet(0, 10), Verdict::late);
  EXPECT_EQ(s.packet(1, 20), Verdict::late);
  EXPECT_EQ(s.packet(0, 11), Verdict::drop);
}

TEST(SimulcastSwitcher, CutsTemporalLayersAtFramesAndRaisesThemAtSyncPoints) {
  Subscription s;
  s.alive(0b001, milliseconds(1000));
  s.key(0, 1, 1000);
  EXPECT_EQ(s.packet(0, 2, 2000, 2), Verdict::forward);
  s.switcher.set_temporal_ceiling(0);
  EXPECT_EQ(s.packet(0, 3, 2000, 2), Verdict::forward);  // the rest of a frame that began
  EXPECT_EQ(s.packet(0, 4, 3000, 1), Verdict::skip);
  EXPECT_EQ(s.packet(0, 5, 4000, 2), Verdict::skip);
  EXPECT_EQ(s.packet(0, 6, 5000, 0), Verdict::forward);
  s.switcher.set_temporal_ceiling(2);
  EXPECT_EQ(s.packet(0, 7, 6000, 2), Verdict::skip);  // depends on what was left out
  EXPECT_EQ(s.packet(0, 8, 7000, 1, true), Verdict::forward);
  EXPECT_EQ(s.packet(0, 9, 8000, 2), Verdict::skip);
  EXPECT_EQ(s.packet(0, 10, 9000, 2, true), Verdict::forward);
  s.switcher.set_temporal_ceiling(0);
  EXPECT_EQ(s.packet(0, 11, 10'000, 1), Verdict::skip);
  s.switcher.set_temporal_ceiling({});
  EXPECT_EQ(s.packet(0, 12, 11'000, 1), Verdict::skip);
  EXPECT_EQ(s.key(0, 13, 12'000), Verdict::forward);
  EXPECT_EQ(s.packet(0, 14, 13'000, 2), Verdict::forward);
}

TEST(SimulcastSwitcher, ASuccessorGoesOnWithTheLayer) {
  Subscription s;
  s.alive(0b111, milliseconds(1000));
  s.switcher.set_ceiling(1);
  s.key(1, 10);
  SwitcherState copy = s.state;
  SimulcastSwitcher successor(copy);
  LayerObserver layers(3);  // its estimates restart
  EXPECT_EQ(successor.current(), 1);
  EXPECT_EQ(successor.on_packet(s.now, layers, {1, {11}, 100, true, false, 0, false}), Verdict::forward);
  EXPECT_EQ(successor.on_packet(s.now, layers, {2, {11}, 100, true, true, 0, false}), Verdict::drop);
}

}  // namespace
}  // namespace sluice
