#include "dataplane/rtp/source_clock.hpp"

#include <algorithm>
#include <cstdlib>

namespace sluice {
namespace {

Duration to_duration(std::int32_t ticks, std::uint32_t clock_rate) noexcept {
  return Duration(std::int64_t{ticks} * 1'000'000'000 / clock_rate);
}

std::uint32_t to_ticks(Duration duration, std::uint32_t clock_rate) noexcept {
  const std::int64_t seconds = duration.count() / 1'000'000'000;
  const std::int64_t rest = duration.count() % 1'000'000'000;
  return static_cast<std::uint32_t>(seconds * clock_rate + rest * clock_rate / 1'000'000'000);
}

}  // namespace

void PublisherClock::on_sender_report(TimePoint now, NtpTime ntp) noexcept {
  PublisherClockState& s = *state_;
  const auto sample_at = [&] { return (now.time_since_epoch() - between(ntp, s.reference)).count(); };
  const bool begin = !s.known || std::abs(sample_at() - s.offset_ns) > step.count();
  if (begin) {
    s = {};
    s.known = true;
    s.reference = ntp;
    s.window_begin = now;
    s.window_min_ns = sample_at();
  } else if (now - s.window_begin >= window) {
    s.has_previous = now - s.window_begin < 2 * window;
    s.previous_min_ns = s.window_min_ns;
    s.window_min_ns = sample_at();
    s.window_begin = now;
  } else {
    s.window_min_ns = std::min(s.window_min_ns, sample_at());
  }
  s.offset_ns = s.has_previous ? std::min(s.window_min_ns, s.previous_min_ns) : s.window_min_ns;
}

std::optional<TimePoint> PublisherClock::to_server(NtpTime ntp) const noexcept {
  if (!state_->known) return std::nullopt;
  return TimePoint(between(ntp, state_->reference) + Duration(state_->offset_ns));
}

void SourceClock::on_sender_report(TimePoint now, NtpTime ntp, std::uint32_t rtp_timestamp) noexcept {
  SourceClockState& s = *state_;
  if (s.known && between(ntp, s.ntp) < Duration::zero() && now - s.arrival < std::chrono::seconds(10)) return;  // overtaken
  s = {ntp, now, rtp_timestamp, true, {}};
}

std::optional<TimePoint> SourceClock::capture_time(std::uint32_t rtp_timestamp) const noexcept {
  if (!known() || clock_rate_ == 0) return std::nullopt;
  return *publisher_->to_server(state_->ntp) +
         to_duration(static_cast<std::int32_t>(rtp_timestamp - state_->rtp_timestamp), clock_rate_);
}

std::optional<std::uint32_t> SourceClock::timestamp_at(TimePoint time) const noexcept {
  if (!known() || clock_rate_ == 0) return std::nullopt;
  return state_->rtp_timestamp + to_ticks(time - *publisher_->to_server(state_->ntp), clock_rate_);
}

std::optional<Duration> elapsed_between(const SourceClock& from, std::uint32_t from_timestamp, const SourceClock& to,
                                        std::uint32_t to_timestamp) noexcept {
  const auto begin = from.capture_time(from_timestamp);
  const auto end = to.capture_time(to_timestamp);
  if (!begin || !end) return std::nullopt;
  return *end - *begin;
}

}  // namespace sluice
