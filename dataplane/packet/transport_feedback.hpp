#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "shm/types/byte_order.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// One packet's fate in a transport-wide feedback.
struct PacketStatus {
  SequenceNumber sequence_number;  // transport-wide
  bool received = false;
  std::int32_t delta_ticks = 0;  // arrival after the previous received packet (the first: after reference_time), in 250 us
};

/// Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1), RTCP 205/15.
/// Borrows the packet's bytes; parse() has walked them once, so for_each() cannot fail.
///
///   | base sequence number  | packet status count |
///   | reference time (24 signed, 64 ms) | feedback packet count |
///   | packet chunks (16 each) ...  | receive deltas (8 or 16 each) ...
class TransportFeedback {
 public:
  static constexpr Duration tick = std::chrono::microseconds(250);
  static constexpr Duration reference_unit = std::chrono::milliseconds(64);

  /// `body` is what follows the two SSRCs, without RTCP padding. Nothing when chunks or deltas are missing, or a status
  /// symbol is the reserved one.
  [[nodiscard]] static std::optional<TransportFeedback> parse(Ssrc sender, Ssrc media, Bytes body) noexcept;

  Ssrc sender;
  Ssrc media;
  SequenceNumber base_sequence_number;
  std::uint16_t status_count = 0;        // as claimed: bound what you do with it by your own send history
  std::int32_t reference_time_64ms = 0;  // 24 bits signed
  std::uint8_t feedback_count = 0;       // of this feedback packet; wraps

  /// Calls `visit(const PacketStatus&)` for each packet in order. A visitor that returns bool stops the walk with false.
  template <typename Visit>
  void for_each(Visit&& visit) const noexcept {
    Walk walk(*this);
    PacketStatus status;
    while (walk.next(status)) {
      if constexpr (std::is_same_v<std::invoke_result_t<Visit&, const PacketStatus&>, bool>) {
        if (!visit(static_cast<const PacketStatus&>(status))) return;
      } else {
        visit(static_cast<const PacketStatus&>(status));
      }
    }
  }

 private:
  TransportFeedback() = default;
  /// Goes through chunks and deltas together; ok() is false when they ran out before the count was reached.
  class Walk {
   public:
    explicit Walk(const TransportFeedback& feedback) noexcept;
    bool next(PacketStatus& status) noexcept;
    /// Goes through to the end, runs as a whole: the work is that of the bytes, whatever count is claimed.
    void skip_all() noexcept;
    [[nodiscard]] bool ok() const noexcept { return ok_; }

   private:
    bool next_chunk() noexcept;
    ByteReader chunks_;
    ByteReader deltas_;
    std::uint16_t sequence_number_;
    std::uint16_t left_;            // statuses still to come
    std::uint16_t chunk_ = 0;       // bits of the current vector chunk, first symbol on top
    std::uint16_t in_chunk_ = 0;    // symbols left in it
    std::uint8_t symbol_bits_ = 0;  // 1 or 2; 0 for a run, whose symbol is run_symbol_
    std::uint8_t run_symbol_ = 0;
    bool ok_ = true;
  };
  [[nodiscard]] static std::optional<std::size_t> chunks_size(Bytes chunks, std::uint16_t count) noexcept;

  Bytes chunks_;
  Bytes deltas_;
};

}  // namespace sluice
