#include "dataplane/simulcast/layer_observer.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};

/// Sends frames of two packets on the layers of `mask`, `per_second` each.
TimePoint run(LayerObserver& layers, TimePoint from, Duration time, unsigned mask, int per_second = 30,
              std::size_t size = 1000) {
  const Duration interval = std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second;
  TimePoint now = from;
  for (; now < from + time; now += interval) {
    layers.handle_timeout(now);
    const auto timestamp = static_cast<std::uint32_t>((now - start).count() * 9 / 100'000);
    for (std::uint8_t layer = 0; layer < 3; ++layer) {
      if ((mask >> layer & 1U) == 0) continue;
      layers.on_packet(now, {layer, timestamp, size, true, false, 0, 0});
      layers.on_packet(now, {layer, timestamp, size, false, false, 0, 0});
    }
  }
  return now;
}

void key_frame(LayerObserver& layers, std::uint8_t layer, std::uint16_t width, std::uint16_t height) {
  layers.on_packet(start, {layer, 0, 1000, true, true, width, height});
}

TEST(LayerObserver, MeasuresFramesAndBitrate) {
  LayerObserver layers(3);
  run(layers, start, std::chrono::seconds(3), 0b101, 25);
  EXPECT_EQ(layers.alive_mask(), 0b101);
  EXPECT_NEAR(layers.layer(0).frames_per_second, 25, 1);
  EXPECT_NEAR(static_cast<double>(layers.layer(2).bitrate.bits_per_second), 25 * 2 * 8000, 16'000);
  EXPECT_EQ(layers.layer(0).frame_interval, milliseconds(40));
  EXPECT_FALSE(layers.layer(1).seen);
  EXPECT_TRUE(layers.take_changed());
  EXPECT_FALSE(layers.take_changed());
}

TEST(LayerObserver, IgnoresLayersThatWereNotNegotiated) {
  LayerObserver layers(1);
  run(layers, start, std::chrono::seconds(1), 0b111);
  EXPECT_EQ(layers.alive_mask(), 0b001);
  EXPECT_EQ(LayerObserver(0).layers(), 1);
  EXPECT_EQ(LayerObserver(200).layers(), simulcast_layers_max);
}

TEST(LayerObserver, ALayerThatFallsSilentBesideOthersIsDeadSoon) {
  LayerObserver layers(3);
  const TimePoint stop = run(layers, start, std::chrono::seconds(2), 0b111);
  (void)layers.take_changed();
  const TimePoint now = run(layers, stop, milliseconds(400), 0b011);
  layers.handle_timeout(now);
  EXPECT_EQ(layers.alive_mask(), 0b111);
  const TimePoint later = run(layers, now, milliseconds(200), 0b011);
  layers.handle_timeout(later);
  EXPECT_EQ(layers.alive_mask(), 0b011);
  EXPECT_TRUE(layers.take_changed());
  EXPECT_EQ(layers.layer(2).bitrate.bits_per_second, 0);
}

TEST(LayerObserver, ASilenceOfAllIsTheNetworkAndTakesLonger) {
  LayerObserver layers(2);
  const TimePoint stop = run(layers, start, std::chrono::seconds(2), 0b011);
  layers.handle_timeout(stop + milliseconds(1400));
  EXPECT_EQ(layers.alive_mask(), 0b011);
  EXPECT_LE(layers.next_deadline(), stop + milliseconds(1500));
  layers.handle_timeout(stop + milliseconds(1500));
  EXPECT_EQ(layers.alive_mask(), 0);
  EXPECT_EQ(layers.next_deadline(), never);
}

TEST(LayerObserver, ASlowLayerHasThreeOfItsIntervals) {
  LayerObserver layers(1);
  const TimePoint stop = run(layers, start, std::chrono::seconds(10), 0b001, 1);
  layers.handle_timeout(stop - std::chrono::seconds(1) + milliseconds(2900));
  EXPECT_TRUE(layers.alive(0));
  layers.handle_timeout(stop + milliseconds(2000));
  EXPECT_FALSE(layers.alive(0));
}

TEST(LayerObserver, IsStableOnlyAfterAWhile) {
  LayerObserver layers(1);
  EXPECT_FALSE(layers.stable(start, 0));
  run(layers, start, milliseconds(600), 0b001);
  EXPECT_FALSE(layers.stable(start + milliseconds(499), 0));
  EXPECT_TRUE(layers.stable(start + milliseconds(500), 0));
  EXPECT_FALSE(layers.stable(start + milliseconds(500), 1));
}

TEST(LayerObserver, OrdersByResolutionSeen) {
  struct Case {
    std::uint16_t widths[3];  // 0: never seen
    std::uint8_t order[3];
  };
  for (const Case& c : {Case{{0, 0, 0}, {0, 1, 2}}, Case{{320, 640, 1280}, {0, 1, 2}}, Case{{1280, 640, 320}, {2, 1, 0}},
                        Case{{1280, 0, 320}, {2, 1, 0}}, Case{{640, 640, 320}, {2, 0, 1}}, Case{{0, 640, 320}, {2, 1, 0}},
                        Case{{640, 320, 0}, {2, 1, 0}}, Case{{0, 320, 640}, {0, 1, 2}}, Case{{320, 0, 0}, {0, 1, 2}}}) {
    LayerObserver layers(3);
    for (std::uint8_t i = 0; i < 3; ++i) {
      if (c.widths[i] != 0) key_frame(layers, i, c.widths[i], static_cast<std::uint16_t>(c.widths[i] / 2));
    }
    for (std::uint8_t rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(layers.layer_at(rank), c.order[rank]);
      EXPECT_EQ(layers.rank_of(c.order[rank]), rank);
    }
  }
}

TEST(LayerObserver, TwoLayersTurnAround) {
  LayerObserver layers(2);
  key_frame(layers, 0, 1280, 720);
  EXPECT_EQ(layers.rank_of(0), 0);
  EXPECT_EQ(layers.alive_ranks(), 0b01);
  key_frame(layers, 1, 640, 360);
  EXPECT_EQ(layers.rank_of(0), 1);
  EXPECT_EQ(layers.rank_of(1), 0);
  EXPECT_EQ(layers.alive_ranks(), 0b11);
}

TEST(LayerObserver, TellsTheLivingByRank) {
  LayerObserver layers(3);
  key_frame(layers, 0, 1280, 720);
  key_frame(layers, 1, 640, 360);
  EXPECT_EQ(layers.alive_mask(), 0b011);
  EXPECT_EQ(layers.alive_ranks(), 0b110) << "the one not seen is the lowest";
}

TEST(LayerObserver, SaysThatTheOrderChanged) {
  LayerObserver layers(2);
  key_frame(layers, 0, 640, 360);
  key_frame(layers, 1, 1280, 720);
  (void)layers.take_changed();
  key_frame(layers, 1, 320, 180);
  EXPECT_TRUE(layers.take_changed());
  EXPECT_EQ(layers.layer_at(0), 1);
}

}  // namespace
}  // namespace sluice
