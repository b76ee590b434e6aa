#include "dataplane/rtp/nack_generator.hpp"

#include <algorithm>

namespace sluice {
namespace {

std::uint32_t milliseconds_of(TimePoint time) noexcept {
  return static_cast<std::uint32_t>(time.time_since_epoch() / std::chrono::milliseconds(1));
}

}  // namespace

NackGenerator::NackGenerator(const NackConfig& config)
    : config_(config), interval_(std::max(config.default_rtt, config.interval_min)) {
  missing_.reserve(config_.missing_max);
}

void NackGenerator::set_rtt(Duration rtt) noexcept {
  // An eighth more than the rtt: the answer itself takes its time to be sent.
  const Duration bounded = std::clamp<Duration>(rtt, std::chrono::milliseconds(1), std::chrono::seconds(2));
  interval_ = std::max(config_.interval_min, bounded + bounded / 8);
}

void NackGenerator::reset() noexcept {
  missing_.clear();
  started_ = false;
  deadline_ = never;
}

void NackGenerator::resume(ExtendedSequenceNumber highest) noexcept {
  reset();
  started_ = true;
  highest_ = highest;
}

void NackGenerator::drop_oldest(std::size_t count) noexcept {
  if (count == 0) return;
  given_up_total_ += count;
  key_frame_needed_ = true;
  missing_.erase(missing_.begin(), missing_.begin() + static_cast<std::ptrdiff_t>(count));
}

void NackGenerator::on_packet(TimePoint now, ExtendedSequenceNumber sequence) noexcept {
  if (!started_) {
    started_ = true;
    highest_ = sequence;
    return;
  }
  if (sequence <= highest_) {
    const auto at = std::lower_bound(missing_.begin(), missing_.end(), sequence,
                                     [](const Missing& m, ExtendedSequenceNumber s) { return m.sequence < s; });
    if (at != missing_.end() && at->sequence == sequence) missing_.erase(at);
    if (missing_.empty()) deadline_ = never;
    return;
  }
  const auto limit = static_cast<std::int64_t>(config_.missing_max);
  const std::int64_t gap = sequence - highest_ - 1;
  const ExtendedSequenceNumber before = highest_;
  highest_ = sequence;
  if (missing_.empty() && gap == 0) return;
  if (gap > limit) {
    given_up_total_ += static_cast<std::uint64_t>(gap);
    key_frame_needed_ = true;
    drop_oldest(missing_.size());
    deadline_ = never;
    return;
  }
  std::size_t stale = 0;
  while (stale < missing_.size() && sequence - missing_[stale].sequence > limit) ++stale;
  const std::size_t wanted = missing_.size() - stale + static_cast<std::size_t>(gap);
  if (wanted > config_.missing_max) stale += wanted - config_.missing_max;
  drop_oldest(stale);
  const TimePoint first_request = now + config_.reorder_wait;
  for (std::int64_t i = 1; i <= gap; ++i) missing_.push_back({before.plus(i), first_request, milliseconds_of(now), 0});
  if (gap > 0) deadline_ = std::min(deadline_, first_request);
  if (missing_.empty()) deadline_ = never;
}

void NackGenerator::forget_before(ExtendedSequenceNumber sequence) noexcept {
  const auto end = std::lower_bound(missing_.begin(), missing_.end(), sequence,
                                    [](const Missing& m, ExtendedSequenceNumber s) { return m.sequence < s; });
  missing_.erase(missing_.begin(), end);
  if (missing_.empty()) deadline_ = never;
}

std::size_t NackGenerator::poll(TimePoint now, std::span<SequenceNumber> out) noexcept {
  if (now < deadline_ || missing_.empty()) return 0;
  const std::size_t room = std::min(out.size(), batch_max);
  const std::uint32_t now_ms = milliseconds_of(now);
  const auto age_max_ms = static_cast<std::uint32_t>(config_.age_max / std::chrono::milliseconds(1));
  std::size_t count = 0;
  std::size_t kept = 0;
  TimePoint deadline = never;
  for (Missing& m : missing_) {
    const bool due = m.next_request <= now;
    if (now_ms - m.detected_ms > age_max_ms || (due && m.tries >= config_.tries_max)) {
      ++given_up_total_;
      key_frame_needed_ = true;
      continue;
    }
    if (due && count < room) {
      out[count++] = m.sequence.on_wire();
      ++m.tries;
      m.next_request = now + interval_;
    }
    deadline = std::min(deadline, m.next_request);
    missing_[kept++] = m;
  }
  missing_.resize(kept);
  deadline_ = deadline;
  requested_total_ += count;
  return count;
}

bool NackGenerator::take_key_frame_needed() noexcept {
  const bool needed = key_frame_needed_;
  key_frame_needed_ = false;
  return needed;
}

}  // namespace sluice
