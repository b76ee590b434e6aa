#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/packet/rtcp_packet.hpp"
#include "dataplane/packet/rtp_packet.hpp"
#include "dataplane/rtp/nack_generator.hpp"
#include "dataplane/rtp/receive_statistics.hpp"
#include "tools/load/counter_window.hpp"
#include "tools/load/frame_tracker.hpp"
#include "tools/load/gap_meter.hpp"
#include "tools/load/media_spec.hpp"
#include "tools/load/tally.hpp"

namespace sluice::load {

/// One stream that a subscriber receives: what a client must know of it (statistics, NACK, key frames), and what is
/// measured.
class ReceiveStream {
 public:
  explicit ReceiveStream(const ReceiveSpec& spec);

  /// A decrypted packet of the media SSRC, or of the RTX SSRC. The gap that it ends, if that counts.
  std::optional<Gap> on_rtp(TimePoint arrival, const RtpPacket& packet);
  std::optional<Gap> on_rtx(TimePoint arrival, const RtpPacket& packet);
  void on_sender_report(TimePoint arrival, std::uint64_t ntp) noexcept { statistics_.on_sender_report(arrival, ntp); }

  [[nodiscard]] std::optional<ReportBlock> report(TimePoint now) noexcept;
  /// Numbers to ask for now.
  std::size_t poll_nack(TimePoint now, std::span<SequenceNumber> out) noexcept { return nack_.poll(now, out); }
  [[nodiscard]] TimePoint nack_deadline() const noexcept { return wants_nack_ ? nack_.next_deadline() : never; }
  [[nodiscard]] bool wants_key_frame(TimePoint now) noexcept;

  /// The publishers stop now: a silence up to now counts as a gap, and as a still picture.
  std::optional<Gap> finish(TimePoint now) noexcept;
  /// Measurements begin anew.
  void reset(TimePoint now) noexcept;

  struct Counts {
    std::uint64_t packets = 0;    ///< everything that arrived for this stream: media and RTX
    std::uint64_t repaired = 0;   ///< first copies that came by RTX
    std::uint64_t misrouted = 0;  ///< with the stamp of another stream
    std::uint64_t unstamped = 0;  ///< padding, or payloads that the generator did not make
  };
  [[nodiscard]] const ReceiveSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  [[nodiscard]] const CounterWindow& counters() const noexcept { return window_; }
  [[nodiscard]] const Tally& latency() const noexcept { return latency_; }
  [[nodiscard]] const FrameTracker& frames() const noexcept { return frames_; }
  [[nodiscard]] GapMeter& gaps() noexcept { return gaps_; }
  [[nodiscard]] const GapMeter& gaps() const noexcept { return gaps_; }

 private:
  std::optional<Gap> measure(TimePoint arrival, Bytes payload, bool repaired);

  ReceiveSpec spec_;
  ReceiveStatisticsState statistics_state_;
  ReceiveStatistics statistics_;
  NackGenerator nack_;
  CounterWindow window_;
  FrameTracker frames_;
  GapMeter gaps_;
  Tally latency_;
  Counts counts_;
  bool wants_nack_;
};

}  // namespace sluice::load
