#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/rtp/ntp_time.hpp"
#include "dataplane/rtp/source_clock.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What one outgoing SSRC sent and reported; survives. All-zero: nothing.
struct SenderReporterState {
  static constexpr std::size_t reports_kept = 8;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< payload octets (RFC 3550 section 6.4.1)
  TimePoint last_activity;  ///< when anything was sent last
  TimePoint last_sent;      ///< when the packet with last_timestamp was sent first
  TimePoint last_report;
  std::uint32_t last_timestamp = 0;  ///< highest outgoing
  std::uint32_t reports = 0;         ///< sent; the newest is sent_reports[(reports - 1) % reports_kept]
  std::array<TimePoint, reports_kept> sent_reports{};
};
static_assert(std::is_standard_layout_v<SenderReporterState> && std::is_trivially_copyable_v<SenderReporterState>);

/// The content of a sender report (RFC 3550 section 6.4.1), in wire units.
struct SenderReportData {
  NtpTime ntp;
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packets = 0;  ///< modulo 2^32
  std::uint32_t octets = 0;   ///< modulo 2^32
};

/// Makes the sender reports of one outgoing SSRC, in the server's clock, so that the receiver plays audio and video of one
/// publisher in step, whatever sources the SSRC carried before; and measures the rtt from the receiver's answers to them.
class SenderReporter {
 public:
  /// RFC 3550 section 6.2 would allow more; browsers expect about one a second for quick lip sync.
  static constexpr Duration interval = std::chrono::seconds(1);
  static constexpr Duration rtt_max = std::chrono::seconds(10);

  SenderReporter(SenderReporterState& state, std::uint32_t clock_rate) noexcept : state_(&state), clock_rate_(clock_rate) {}

  /// A packet with outgoing `rtp_timestamp` went out (not a retransmission); `now` its arrival at us, `payload` in bytes.
  void on_packet_sent(TimePoint now, std::uint32_t rtp_timestamp, std::size_t payload) noexcept;

  /// The report to send now. `clock` is that of the source that fills the subscription, `timestamp_offset` the rewriter's.
  /// While the source's clock is unknown, arrival times stand in. Nothing before the first packet. Remembers it as sent.
  [[nodiscard]] std::optional<SenderReportData> report(TimePoint now, const SourceClock& clock,
                                                       std::uint32_t timestamp_offset) noexcept;
  /// When the next report is due: an interval after the last one; `never` while nothing was sent since.
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  /// The rtt from LSR and DLSR of a report block about this SSRC; nothing when LSR is none of the last 8 reports that we
  /// sent. Clamped to 0..10 s: the values are the receiver's word.
  [[nodiscard]] std::optional<Duration> round_trip(TimePoint now, std::uint32_t last_sender_report,
                                                   std::uint32_t delay_since_last_sr) const noexcept;
  [[nodiscard]] const SenderReporterState& state() const noexcept { return *state_; }

 private:
  SenderReporterState* state_;
  std::uint32_t clock_rate_;
};

}  // namespace sluice
