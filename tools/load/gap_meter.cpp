#include "tools/load/gap_meter.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::load {

void GapHistogram::record(Duration length) noexcept {
  const auto* const bound = std::upper_bound(bounds.begin(), bounds.end(), length);
  ++counts[static_cast<std::size_t>(bound - bounds.begin())];
}

void GapHistogram::add(const GapHistogram& other) noexcept {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
}

std::uint64_t GapHistogram::total() const noexcept {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<Gap> GapMeter::note(TimePoint end) noexcept {
  const Gap gap{last_, end};
  if (gap.length() > longest_.length()) longest_ = gap;
  if (gap.length() <= threshold_) return std::nullopt;
  histogram_.record(gap.length());
  return gap;
}

std::optional<Gap> GapMeter::on_packet(TimePoint arrival) noexcept {
  std::optional<Gap> ended;
  if (started_) {
    arrival = std::max(arrival, last_);
    ended = note(arrival);
  }
  started_ = true;
  announced_ = false;
  last_ = arrival;
  return ended;
}

bool GapMeter::begins_to_count(TimePoint now) noexcept {
  if (!started_ || announced_ || now - last_ <= threshold_) return false;
  announced_ = true;
  return true;
}

std::optional<Gap> GapMeter::finish(TimePoint now) noexcept {
  if (!started_ || now <= last_) return std::nullopt;
  const std::optional<Gap> gap = now - last_ > threshold_ ? note(now) : std::nullopt;
  started_ = false;
  return gap;
}

void GapMeter::reset(TimePoint now) noexcept {
  histogram_ = {};
  longest_ = {};
  if (started_) last_ = std::max(last_, now);
  announced_ = false;
}

}  // namespace sluice::load
