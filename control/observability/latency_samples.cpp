#include "control/observability/latency_samples.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice {

namespace {

double element(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(std::floor(static_cast<double>(sorted.size()) * p));
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace

void LatencySamples::add(TimePoint at, double ms) {
  samples_.emplace_back(at, ms);
  while (samples_.size() > samples_max_) samples_.pop_front();
}

std::vector<double> LatencySamples::sorted(TimePoint since) const {
  std::vector<double> values;
  values.reserve(samples_.size());
  for (const auto& [at, ms] : samples_) {
    if (at >= since) values.push_back(ms);
  }
  std::sort(values.begin(), values.end());
  return values;
}

double LatencySamples::percentile(double p, TimePoint since) const {
  return element(sorted(since), p);
}

LatencySamples::Summary LatencySamples::summary() const {
  const std::vector<double> values = sorted(TimePoint::min());
  if (values.empty()) return {};
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {element(values, 0.5), element(values, 0.95), element(values, 0.99),
          values.front(),       values.back(),         sum / static_cast<double>(values.size())};
}

}  // namespace sluice
