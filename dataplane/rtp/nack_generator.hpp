#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct NackConfig {
  Duration default_rtt = std::chrono::milliseconds(100);  ///< until set_rtt(): a wide-area guess
  Duration interval_min = std::chrono::milliseconds(20);  ///< between two requests of one packet, however short the rtt
  Duration reorder_wait = std::chrono::milliseconds(5);   ///< most reordering heals within it; less would ask for nothing
  Duration age_max = std::chrono::seconds(2);             ///< what the packet cache of a browser keeps
  std::uint8_t tries_max = 10;
  std::size_t missing_max = 1000;  ///< packets between the oldest missing and the highest; beyond: give up, key frame
};

/// Asks a publisher again for the packets missing in one incoming stream (RFC 4585 section 6.2.1).
///
/// Holds at most `missing_max` entries of 24 B, allocated at construction; a full list gives up its oldest. Losable: a
/// successor begins with an empty list behind the highest packet (resume) and asks for a key frame anyway.
class NackGenerator {
 public:
  static constexpr std::size_t batch_max = 256;  ///< per NACK packet, notes of hardening: NACK

  explicit NackGenerator(const NackConfig& config = {});

  /// A usable packet of the stream arrived, itself or as a repair. A gap before it begins to be missed.
  void on_packet(TimePoint now, ExtendedSequenceNumber sequence) noexcept;
  /// Forgets everything missing before `sequence` (the first packet of a key frame makes it needless), without giving up.
  void forget_before(ExtendedSequenceNumber sequence) noexcept;
  /// A predecessor had got so far: what is missing behind `highest` begins to be missed with the next packet.
  void resume(ExtendedSequenceNumber highest) noexcept;
  /// The stream begins anew (resync, other SSRC); the next packet is the first.
  void reset() noexcept;
  /// Clamped to 1 ms..2 s.
  void set_rtt(Duration rtt) noexcept;

  /// Writes the numbers to ask for now into `out`, ascending, at most min(out.size(), 256), and returns how many; call again
  /// while it returns a full batch.
  std::size_t poll(TimePoint now, std::span<SequenceNumber> out) noexcept;
  /// True once after packets were given up: only a key frame can heal the stream (meaningless for audio).
  [[nodiscard]] bool take_key_frame_needed() noexcept;
  /// When poll() may have something; `never` when nothing is missing.
  [[nodiscard]] TimePoint next_deadline() const noexcept { return deadline_; }

  [[nodiscard]] std::size_t missing() const noexcept { return missing_.size(); }
  [[nodiscard]] std::uint64_t requested_total() const noexcept { return requested_total_; }
  [[nodiscard]] std::uint64_t given_up_total() const noexcept { return given_up_total_; }

 private:
  struct Missing {
    ExtendedSequenceNumber sequence;
    TimePoint next_request;
    std::uint32_t detected_ms = 0;  // wraps; only differences are used
    std::uint8_t tries = 0;
  };
  void drop_oldest(std::size_t count) noexcept;

  NackConfig config_;
  Duration interval_;
  std::vector<Missing> missing_;  // ascending; capacity reserved
  ExtendedSequenceNumber highest_;
  TimePoint deadline_ = never;
  std::uint64_t requested_total_ = 0;
  std::uint64_t given_up_total_ = 0;
  bool started_ = false;
  bool key_frame_needed_ = false;
};

}  // namespace sluice
