// uses: dataplane_rtp dataplane_simulcast dataplane_bwe
// What one forwarded packet costs before its header is written and sealed: the switcher's verdict, the sequence, timestamp
// and VP8 rewriting, the send history. `/N`: subscriptions of one publication, so that their state does not stay in the
// cache.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "dataplane/bwe/send_history.hpp"
#include "dataplane/rtp/packet_cache.hpp"
#include "dataplane/rtp/receive_statistics.hpp"
#include "dataplane/rtp/rtx_sender.hpp"
#include "dataplane/rtp/sender_reporter.hpp"
#include "dataplane/rtp/stream_rewriter.hpp"
#include "dataplane/rtp/vp8_rewriter.hpp"
#include "dataplane/simulcast/simulcast_switcher.hpp"

namespace {

using namespace sluice;

constexpr MediaSource source{{1, 1}, {100}, 0, {}};
constexpr TimePoint start{std::chrono::seconds(1000)};

struct Subscription {
  SwitcherState switcher_state;
  RewriterState rewriter_state;
  Vp8RewriterState vp8_state;
  RtxState rtx_state;
  SenderReporterState reporter_state;
  SendHistoryState history_state;
  SimulcastSwitcher switcher{switcher_state};
  StreamRewriter rewriter{rewriter_state, {{100}, 0, 90'000}};
  Vp8Rewriter vp8{vp8_state};
  RtxSender rtx{rtx_state, {}};
  SenderReporter reporter{reporter_state, 90'000};
  SendHistory history{history_state};
};

/// Packets of 1100 bytes, eight to a frame.
void forward(benchmark::State& bench) {
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  LayerObserver layers(3);
  layers.on_packet(start, {0, 0, 1100, true, true, 320, 180});
  for (std::int64_t i = 0; i < bench.range(0); ++i) {
    auto s = std::make_unique<Subscription>();
    (void)s->switcher.on_packet(start, layers, {0, {70'000}, 0, true, true, 0, false});
    s->rewriter.begin_source(start, source, {70'000}, 0);
    s->vp8.begin_source(source, {1, 1, true});
    subscriptions.push_back(std::move(s));
  }
  TimePoint now = start;
  std::int64_t n = 0;
  for (auto _ : bench) {
    const auto timestamp = static_cast<std::uint32_t>(n / 8 * 3000);
    const Vp8PictureFields picture{static_cast<std::uint16_t>((1 + n / 8) & 0x7fff), static_cast<std::uint8_t>(1 + n / 8),
                                   true};
    for (const auto& s : subscriptions) {
      const Verdict verdict = s->switcher.on_packet(now, layers, {0, {70'000 + n}, timestamp, n % 8 == 0, false, 0, false});
      if (verdict != Verdict::forward) bench.SkipWithError("not forwarded");
      const auto fields = s->vp8.map(source, picture);
      const auto header = s->rewriter.forward(now, source, {70'000 + n}, timestamp, Vp8Rewriter::to_tag(*fields));
      s->rtx.on_media_sent(now, {1100});
      s->reporter.on_packet_sent(now, header->rtp_timestamp, 1088);
      s->history.on_sent(now, s->history.claim(), {1100}, SendClass::video);
      benchmark::DoNotOptimize(header);
    }
    ++n;
    now += std::chrono::milliseconds(4);
  }
  bench.SetItemsProcessed(bench.iterations() * bench.range(0));
  bench.counters["ns_per_packet"] = benchmark::Counter(static_cast<double>(bench.iterations() * bench.range(0)),
                                                       benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(forward)->Arg(1)->Arg(100)->Arg(1000);

/// The receiving side, once per packet of a publisher: extension, statistics, the copy into the cache.
void receive(benchmark::State& bench) {
  ReceiveStatisticsState state;
  ReceiveStatistics statistics(state, 90'000);
  PacketCache cache(PacketCacheConfig::high_video());
  const std::vector<std::byte> payload(1100);
  TimePoint now = start;
  std::uint32_t n = 0;
  for (auto _ : bench) {
    const Arrival arrival = statistics.on_packet(now, {static_cast<std::uint16_t>(n)}, n / 8 * 3000, 1100);
    benchmark::DoNotOptimize(cache.insert(now, arrival.sequence, {}, payload));
    ++n;
    now += std::chrono::milliseconds(4);
  }
  bench.SetItemsProcessed(bench.iterations());
}
BENCHMARK(receive);

/// A NACK of one number: find what it names.
void answer(benchmark::State& bench) {
  Subscription s;
  s.rewriter.begin_source(start, source, {70'000}, 0);
  for (std::int64_t i = 0; i < 2000; ++i) (void)s.rewriter.forward(start, source, {70'000 + i}, 0);
  std::uint16_t n = 0;
  for (auto _ : bench) benchmark::DoNotOptimize(s.rewriter.lookup({static_cast<std::uint16_t>(1200 + n++ % 900)}));
}
BENCHMARK(answer);

}  // namespace

BENCHMARK_MAIN();
