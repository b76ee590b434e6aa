#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shm/types/byte_order.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Collects arrivals for one transport-wide feedback packet (see TransportFeedback); RtcpWriter::transport_feedback puts it
/// on the wire. Bounded: what does not fit belongs in the next packet.
class TransportFeedbackWriter {
 public:
  /// Packets (received or missing) that one feedback can tell of. At 50 ms between feedbacks this is 8 kpackets/s per peer.
  static constexpr std::size_t statuses_max = 400;
  /// With all deltas large: 8 + 400 / 7 * 2 + 400 * 2 bytes, below one datagram with its RTCP header and SRTCP trailer.
  static constexpr std::size_t body_size_max = 8 + (statuses_max + 6) / 7 * 2 + statuses_max * 2 + 3;

  /// Begins anew. `base` is the first sequence number told of; `first_arrival` the arrival time (of our clock) from which
  /// the reference time is taken: that of the first received packet to be added. `feedback_count` counts feedback packets.
  void begin(SequenceNumber base, TimePoint first_arrival, std::uint8_t feedback_count) noexcept;

  /// Adds a received packet; sequence numbers only go up (with wrap), those left out are missing. `arrival` may go
  /// back (reordering). False, and nothing changed, when it belongs in the next feedback: too many packets, a number
  /// below those added (a duplicate, too), or more than 8.19 s between two arrivals.
  [[nodiscard]] bool add(SequenceNumber number, TimePoint arrival) noexcept;

  /// Packets told of, from base to the last added.
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Writes everything that follows the two SSRCs, without alignment.
  void write_body(ByteWriter& out) const noexcept;

 private:
  enum class Symbol : std::uint8_t { missing = 0, small_delta = 1, large_delta = 2 };
  [[nodiscard]] std::size_t write_chunk(ByteWriter& out, std::size_t from) const noexcept;

  SequenceNumber base_;
  std::int64_t reference_64ms_ = 0;
  std::int64_t last_ticks_ = 0;  // arrival of the last received packet, in ticks of our clock
  std::uint16_t count_ = 0;
  std::uint8_t feedback_count_ = 0;
  std::array<Symbol, statuses_max> symbols_{};
  std::array<std::int16_t, statuses_max> deltas_{};
};

}  // namespace sluice
