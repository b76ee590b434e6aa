#include "shm/counters/latency_histogram.hpp"

namespace sluice {
namespace {

// Another process wrote the numbers: they may be anything.
std::uint64_t add_saturating(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

}  // namespace

LatencySnapshot LatencyHistogram::snapshot() const noexcept {
  LatencySnapshot copy;
  for (std::size_t i = 0; i < LatencyBuckets::count; ++i) copy.buckets[i] = buckets[i].load(std::memory_order_relaxed);
  copy.sum_ns = sum_ns.load(std::memory_order_relaxed);
  return copy;
}

std::uint64_t LatencySnapshot::total() const noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : buckets) sum = add_saturating(sum, n);
  return sum;
}

Duration LatencySnapshot::quantile(double q) const noexcept {
  const double wanted = static_cast<double>(total()) * std::clamp(q, 0.0, 1.0);
  double seen = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] == 0) continue;
    last = i;
    seen += static_cast<double>(buckets[i]);
    if (seen >= wanted) break;
  }
  return Duration(static_cast<Duration::rep>(LatencyBuckets::lower_bound_ns(last)));
}

LatencySnapshot LatencySnapshot::since(const LatencySnapshot& older) const noexcept {
  LatencySnapshot result;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    result.buckets[i] = buckets[i] > older.buckets[i] ? buckets[i] - older.buckets[i] : 0;
  }
  result.sum_ns = sum_ns > older.sum_ns ? sum_ns - older.sum_ns : 0;
  return result;
}

}  // namespace sluice
