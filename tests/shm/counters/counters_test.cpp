#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "shm/counters/counter_block.hpp"
#include "shm/counters/heartbeat.hpp"
#include "shm/counters/latency_histogram.hpp"

namespace sluice {
namespace {

TEST(CounterBlock, counts_and_gives_a_copy) {
  const auto block = std::make_unique<CounterBlock>();
  block->add(Counter::datagrams_in);
  block->add(Counter::bytes_in, 1200);
  block->add(Counter::bytes_in, 100);
  const CounterSnapshot copy = block->snapshot();
  EXPECT_EQ(copy[Counter::datagrams_in], 1U);
  EXPECT_EQ(copy[Counter::bytes_in], 1300U);
  EXPECT_EQ(copy[Counter::ticks], 0U);
  block->add(Counter::ticks);
  EXPECT_EQ(block->get(Counter::ticks), 1U);
  EXPECT_EQ(copy[Counter::ticks], 0U);
}

TEST(CounterBlock, differences_never_go_below_zero) {
  CounterSnapshot older;
  CounterSnapshot newer;
  older.values[0] = 10;
  newer.values[0] = 4;
  older.values[1] = 10;
  newer.values[1] = 14;
  const CounterSnapshot difference = newer.since(older);
  EXPECT_EQ(difference.values[0], 0U);
  EXPECT_EQ(difference.values[1], 4U);
}

TEST(CounterBlock, has_distinct_ids_and_series_with_a_family_and_help_each) {
  std::set<std::string> ids;
  std::set<std::string> series;
  for (const CounterInfo& counter : counter_infos) {
    EXPECT_TRUE(ids.insert(std::string(counter.id)).second) << counter.id;
    EXPECT_TRUE(series.insert(std::string(counter.family) + "{" + std::string(counter.labels) + "}").second) << counter.id;
    EXPECT_TRUE(counter.family.starts_with("sluice_") && counter.family.ends_with("_total")) << counter.family;
    EXPECT_TRUE(counter.help.ends_with('.')) << counter.id;
  }
  EXPECT_EQ(info(Counter::drop_bad_length).labels, "reason=\"bad_length\"");
  EXPECT_EQ(info(Counter::ticks).id, "ticks");
}

TEST(Heartbeat, tells_absent_beating_and_stalled_apart) {
  using namespace std::chrono_literals;
  const auto heart = std::make_unique<Heartbeat>();
  const TimePoint start(100s);
  EXPECT_EQ(heart->read().pulse(start, 1s), Pulse::absent);
  heart->restart(42);
  heart->beat(start);
  EXPECT_EQ(heart->read().pid, 42U);
  EXPECT_EQ(heart->read().pulse(start + 1s, 1s), Pulse::beating);
  EXPECT_EQ(heart->read().pulse(start + 1001ms, 1s), Pulse::stalled);
  heart->beat(start + 2s);
  EXPECT_EQ(heart->read().beats, 2U);
  EXPECT_EQ(heart->read().pulse(start + 2s, 1s), Pulse::beating);
  heart->restart(43);
  EXPECT_EQ(heart->read().pulse(start + 2s, 1s), Pulse::absent);
}

TEST(Heartbeat, believes_no_beat_from_the_far_future_or_past) {
  using namespace std::chrono_literals;
  const TimePoint now(100s);
  EXPECT_EQ((HeartbeatReading{TimePoint::max(), 1, 0}).pulse(now, 1s), Pulse::stalled);
  EXPECT_EQ((HeartbeatReading{TimePoint::min(), 1, 0}).pulse(now, 1s), Pulse::stalled);
  EXPECT_EQ((HeartbeatReading{now + 10ms, 1, 0}).pulse(now, 1s), Pulse::beating);
}

TEST(LatencyHistogram, has_buckets_without_gaps_at_most_an_eighth_wide) {
  for (std::size_t i = 0; i < LatencyBuckets::count; ++i) {
    const std::uint64_t low = LatencyBuckets::lower_bound_ns(i);
    EXPECT_EQ(LatencyBuckets::index_of(low), i);
    if (i + 1 == LatencyBuckets::count) break;
    const std::uint64_t next = LatencyBuckets::lower_bound_ns(i + 1);
    EXPECT_GT(next, low);
    EXPECT_EQ(LatencyBuckets::index_of(next - 1), i);
    EXPECT_LE((next - low) * 8, std::max<std::uint64_t>(low, 8)) << i;
  }
  EXPECT_EQ(LatencyBuckets::index_of(UINT64_MAX), LatencyBuckets::count - 1);
  EXPECT_GT(LatencyBuckets::lower_bound_ns(LatencyBuckets::count - 1), 15'000'000'000U);
}

TEST(LatencyHistogram, gives_quantiles_and_differences) {
  using namespace std::chrono_literals;
  const auto histogram = std::make_unique<LatencyHistogram>();
  EXPECT_EQ(histogram->snapshot().quantile(0.5), Duration::zero());
  for (int i = 0; i < 90; ++i) histogram->record(1us);
  histogram->record(1ms, 10);
  histogram->record(-5ns);
  const LatencySnapshot first = histogram->snapshot();
  EXPECT_EQ(first.total(), 101U);
  EXPECT_NEAR(static_cast<double>(first.quantile(0.5).count()), 1'000, 125);
  EXPECT_NEAR(static_cast<double>(first.quantile(0.99).count()), 1'000'000, 125'000);
  EXPECT_EQ(first.quantile(0), Duration::zero());
  EXPECT_EQ(first.sum_ns, 90U * 1000 + 10U * 1'000'000);
  histogram->record(3ms);
  const LatencySnapshot change = histogram->snapshot().since(first);
  EXPECT_EQ(change.total(), 1U);
  EXPECT_EQ(first.since(histogram->snapshot()).total(), 0U);
}

TEST(LatencyHistogram, saturates_when_the_numbers_are_nonsense) {
  LatencySnapshot nonsense;
  nonsense.buckets.fill(UINT64_MAX);
  EXPECT_EQ(nonsense.total(), UINT64_MAX);
  (void)nonsense.quantile(0.5);
}

}  // namespace
}  // namespace sluice
