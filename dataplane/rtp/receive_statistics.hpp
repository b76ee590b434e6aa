#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/packet/rtcp_packet.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What ReceiveStatistics remembers about one received SSRC; survives in the recovery segment. All-zero: nothing received.
struct ReceiveStatisticsState {
  static constexpr std::size_t window = 1024;  ///< packets behind the highest whose arrival is remembered
  ExtendedSequenceNumber base;                 ///< first number counted since start or resync
  ExtendedSequenceNumber highest;
  std::int64_t received = 0;  ///< on this SSRC since `base`, duplicates included (RFC 3550 section 6.4.1)
  std::int64_t expected_prior = 0;
  std::int64_t received_prior = 0;
  std::int64_t lost_before = 0;  ///< cumulative loss up to the last resync
  std::uint64_t packets = 0;     ///< since the very start
  std::uint64_t bytes = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t repaired = 0;  ///< arrived only by RTX
  std::uint64_t resyncs = 0;
  TimePoint last_arrival;
  TimePoint sender_report_arrival;
  std::uint64_t sender_report_ntp = 0;  ///< NTP time of the last sender report, 32.32
  double jitter = 0;                    ///< in RTP ticks, RFC 3550 appendix A.8
  std::uint32_t last_timestamp = 0;
  std::uint16_t suspect = 0;  ///< the wire number that would follow an impossible one (bad_seq of appendix A.1)
  bool started = false;
  bool has_suspect = false;
  bool has_sender_report = false;
  std::uint8_t reserved[7] = {};
  std::array<std::uint64_t, window / 64> seen{};  ///< bit per number, indexed by number modulo window
};
static_assert(std::is_standard_layout_v<ReceiveStatisticsState> && std::is_trivially_copyable_v<ReceiveStatisticsState>);

/// What became of an arrival.
enum class ArrivalKind : std::uint8_t {
  fresh,      ///< first copy of this packet: use it
  duplicate,  ///< seen before, on this SSRC or as a repair: drop it
  too_old,    ///< behind the window, or a lone number far outside: drop it
  resynced    ///< fresh, and the sender's numbering jumped: forget what was missing before it (see NackGenerator::reset)
};

struct Arrival {
  ExtendedSequenceNumber sequence;  ///< meaningless when too_old
  ArrivalKind kind = ArrivalKind::too_old;
  [[nodiscard]] constexpr bool usable() const noexcept {
    return kind == ArrivalKind::fresh || kind == ArrivalKind::resynced;
  }
};

/// Extends the sequence numbers of one received SSRC and keeps its reception statistics (RFC 3550 appendices A.1, A.3, A.8).
///
/// A stream counts from its first packet (its source was authenticated by SRTP, so there is no probation). Extended numbers
/// begin in the second cycle, so that they and everything behind them within half a cycle are positive.
class ReceiveStatistics {
 public:
  /// `clock_rate` in Hz, for jitter. Goes on from a filled state.
  ReceiveStatistics(ReceiveStatisticsState& state, std::uint32_t clock_rate) noexcept
      : state_(&state), clock_rate_(clock_rate) {}

  /// An authenticated packet of this SSRC; `size` in bytes as counted by bitrates (payload and header).
  Arrival on_packet(TimePoint now, SequenceNumber wire, std::uint32_t rtp_timestamp, std::size_t size) noexcept;
  /// A packet of this SSRC that came inside an RTX packet (RFC 4588: `wire` is the OSN). Not counted as received, because
  /// reports speak of the original stream, but remembered: its original, if late, is a duplicate.
  Arrival on_repair(SequenceNumber wire) noexcept;
  /// `ntp` of an SR of this SSRC (32.32), received at `now`.
  void on_sender_report(TimePoint now, std::uint64_t ntp) noexcept;

  /// The next report block about `ssrc`, which is this stream (RFC 3550 section 6.4.1); starts the next interval of
  /// fraction_lost.
  ReportBlock report(TimePoint now, Ssrc ssrc) noexcept;

  [[nodiscard]] bool started() const noexcept { return state_->started; }
  [[nodiscard]] ExtendedSequenceNumber highest() const noexcept { return state_->highest; }
  [[nodiscard]] TimePoint last_arrival() const noexcept { return state_->last_arrival; }
  /// Packets expected and not received since the start; negative when duplicates outnumber losses.
  [[nodiscard]] std::int64_t cumulative_lost() const noexcept;
  [[nodiscard]] const ReceiveStatisticsState& state() const noexcept { return *state_; }

 private:
  [[nodiscard]] ExtendedSequenceNumber extended(SequenceNumber wire) const noexcept;
  /// Notes a number within the window or ahead of it; false when it was noted before.
  bool mark(ExtendedSequenceNumber sequence) noexcept;
  void restart_at(ExtendedSequenceNumber sequence) noexcept;
  void update_jitter(TimePoint now, std::uint32_t rtp_timestamp) noexcept;
  [[nodiscard]] std::int64_t expected() const noexcept { return state_->highest - state_->base + 1; }

  ReceiveStatisticsState* state_;
  std::uint32_t clock_rate_;
};

}  // namespace sluice
