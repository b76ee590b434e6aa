#include "dataplane/rtp/sender_reporter.hpp"

#include <algorithm>

namespace sluice {

void SenderReporter::on_packet_sent(TimePoint now, std::uint32_t rtp_timestamp, std::size_t payload) noexcept {
  SenderReporterState& s = *state_;
  if (s.packets == 0 || static_cast<std::int32_t>(rtp_timestamp - s.last_timestamp) > 0) {
    s.last_timestamp = rtp_timestamp;
    s.last_sent = now;
  }
  s.last_activity = now;
  ++s.packets;
  s.bytes += payload;
}

std::optional<SenderReportData> SenderReporter::report(TimePoint now, const SourceClock& clock,
                                                       std::uint32_t timestamp_offset) noexcept {
  SenderReporterState& s = *state_;
  if (s.packets == 0) return std::nullopt;
  SenderReportData data;
  data.ntp = to_ntp(now);
  if (const auto source_timestamp = clock.timestamp_at(now)) {
    data.rtp_timestamp = *source_timestamp + timestamp_offset;
  } else {
    const auto elapsed = static_cast<std::uint64_t>(std::max(now - s.last_sent, Duration::zero()).count());
    data.rtp_timestamp = s.last_timestamp + static_cast<std::uint32_t>(elapsed / 1'000U * clock_rate_ / 1'000'000U);
  }
  data.packets = static_cast<std::uint32_t>(s.packets);
  data.octets = static_cast<std::uint32_t>(s.bytes);
  s.sent_reports[s.reports % SenderReporterState::reports_kept] = now;
  ++s.reports;
  s.last_report = now;
  return data;
}

TimePoint SenderReporter::next_deadline() const noexcept {
  const SenderReporterState& s = *state_;
  if (s.packets == 0) return never;
  if (s.reports == 0) return s.last_activity;
  return s.last_activity > s.last_report ? s.last_report + interval : never;
}

std::optional<Duration> SenderReporter::round_trip(TimePoint now, std::uint32_t last_sender_report,
                                                   std::uint32_t delay_since_last_sr) const noexcept {
  const SenderReporterState& s = *state_;
  if (last_sender_report == 0) return std::nullopt;
  const std::uint32_t kept = std::min<std::uint32_t>(s.reports, SenderReporterState::reports_kept);
  for (std::uint32_t age = 0; age < kept; ++age) {
    const TimePoint sent = s.sent_reports[(s.reports - 1 - age) % SenderReporterState::reports_kept];
    if (to_ntp(sent).compact() != last_sender_report) continue;
    return std::clamp<Duration>(now - sent - from_compact(delay_since_last_sr), Duration::zero(), rtt_max);
  }
  return std::nullopt;
}

}  // namespace sluice
