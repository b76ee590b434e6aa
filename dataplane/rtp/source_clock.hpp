#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include "dataplane/rtp/ntp_time.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The offset of one publisher's NTP clock; survives. All-zero: unknown.
struct PublisherClockState {
  std::int64_t offset_ns = 0;        ///< present estimate: server time = NTP time - reference + offset
  std::int64_t window_min_ns = 0;    ///< smallest in the running window
  std::int64_t previous_min_ns = 0;  ///< smallest in the one before
  TimePoint window_begin;
  NtpTime reference;  ///< first NTP time seen; offsets are relative to it
  bool known = false;
  bool has_previous = false;
  std::uint8_t reserved[6] = {};
};
static_assert(std::is_standard_layout_v<PublisherClockState> && std::is_trivially_copyable_v<PublisherClockState>);

/// Where a publisher's NTP clock stands against ours: the smallest (arrival - NTP time) over its sender reports of the last
/// one to two minutes, so that delayed reports do not move it and drift is followed. One per publisher transport: its audio
/// and video share it, which is what keeps them in step.
class PublisherClock {
 public:
  /// Clock drift of 50 ppm moves the offset by 3 ms in this time, less than a frame.
  static constexpr Duration window = std::chrono::seconds(60);
  /// A report further off than this means that the publisher's clock was set: begin anew.
  static constexpr Duration step = std::chrono::seconds(5);

  explicit PublisherClock(PublisherClockState& state) noexcept : state_(&state) {}
  /// Any sender report of this publisher.
  void on_sender_report(TimePoint now, NtpTime ntp) noexcept;
  [[nodiscard]] bool known() const noexcept { return state_->known; }
  /// The server's time at the publisher's `ntp` (plus the shortest way seen); nothing before the first report.
  [[nodiscard]] std::optional<TimePoint> to_server(NtpTime ntp) const noexcept;

 private:
  PublisherClockState* state_;
};

/// The last sender report of one source; survives. All-zero: none.
struct SourceClockState {
  NtpTime ntp;
  TimePoint arrival;
  std::uint32_t rtp_timestamp = 0;
  bool known = false;
  std::uint8_t reserved[3] = {};
};
static_assert(std::is_standard_layout_v<SourceClockState> && std::is_trivially_copyable_v<SourceClockState>);

/// Maps one source's RTP timestamps to the server's time, by its sender reports and its publisher's clock.
class SourceClock {
 public:
  /// `clock_rate` in Hz. `publisher` is of the transport that the source arrives on and outlives this.
  SourceClock(SourceClockState& state, const PublisherClock& publisher, std::uint32_t clock_rate) noexcept
      : state_(&state), publisher_(&publisher), clock_rate_(clock_rate) {}

  /// An SR of this very source. Feed the PublisherClock with it, too, and first.
  void on_sender_report(TimePoint now, NtpTime ntp, std::uint32_t rtp_timestamp) noexcept;
  /// When the frame with this timestamp was captured, in server time; nothing before the first report.
  [[nodiscard]] std::optional<TimePoint> capture_time(std::uint32_t rtp_timestamp) const noexcept;
  /// The timestamp that a frame captured at `time` carries; the inverse.
  [[nodiscard]] std::optional<std::uint32_t> timestamp_at(TimePoint time) const noexcept;
  [[nodiscard]] bool known() const noexcept { return state_->known && publisher_->known(); }
  [[nodiscard]] std::uint32_t clock_rate() const noexcept { return clock_rate_; }

 private:
  SourceClockState* state_;
  const PublisherClock* publisher_;
  std::uint32_t clock_rate_;
};

/// The capture time from a frame of one source to a frame of another, for StreamRewriter::begin_source.
[[nodiscard]] std::optional<Duration> elapsed_between(const SourceClock& from, std::uint32_t from_timestamp,
                                                      const SourceClock& to, std::uint32_t to_timestamp) noexcept;

}  // namespace sluice
