#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/transport_feedback_writer.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct TransportFeedbackConfig {
  Duration interval_min = std::chrono::milliseconds(50);  ///< as browsers' own receivers under load
  Duration interval_max =
      std::chrono::milliseconds(100);  ///< while little arrives: keeps feedback below 5 % of a call of 100 kbit/s
  std::uint32_t busy_packets = 10;     ///< from so many packets since the last feedback on: interval_min
  /// A reordered packet that came later than this after its successor is not reported: the sender has long counted it lost.
  Duration reorder_window = std::chrono::milliseconds(500);
};

/// The receiving half of transport-wide congestion control for one publisher's transport
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01): notes when each transport-wide sequence number arrived and says it
/// back every 50 to 100 ms, so that browsers ramp up.
///
/// Each message begins where the last one ended, so that missing packets are told; a reordered packet that was told missing
/// makes the next message begin at it. Remembers 2048 arrivals (16 KiB, allocated at construction). Losable: a successor
/// begins with the first packet it sees.
class TransportFeedbackGenerator {
 public:
  static constexpr std::size_t history = 2048;

  explicit TransportFeedbackGenerator(const TransportFeedbackConfig& config = {});

  /// An authenticated packet with this transport-wide sequence number; RTX and padding included.
  void on_packet(TimePoint now, SequenceNumber wire) noexcept;

  /// Fills `out` with the next message that is due; false when none is. Call until false: large gaps in time or number, or
  /// very many packets, need several.
  [[nodiscard]] bool poll(TimePoint now, TransportFeedbackWriter& out) noexcept;
  [[nodiscard]] TimePoint next_deadline() const noexcept { return due_; }

 private:
  [[nodiscard]] TimePoint& arrival(ExtendedSequenceNumber sequence) noexcept {
    return arrivals_[static_cast<std::size_t>(sequence.value) % history];
  }
  [[nodiscard]] bool received(ExtendedSequenceNumber sequence) noexcept { return arrival(sequence) != TimePoint{}; }
  void advance_end(ExtendedSequenceNumber sequence) noexcept;
  [[nodiscard]] bool worth_reporting_late(TimePoint now, ExtendedSequenceNumber sequence) noexcept;

  TransportFeedbackConfig config_;
  std::vector<TimePoint> arrivals_;     // time zero: not arrived
  ExtendedSequenceNumber next_report_;  // first number that the next message speaks of
  ExtendedSequenceNumber end_;          // one past the highest received
  TimePoint due_ = never;
  TimePoint last_report_;
  std::uint32_t packets_since_report_ = 0;
  std::uint8_t feedback_count_ = 0;
  bool started_ = false;
  bool reported_ = false;
};

}  // namespace sluice
