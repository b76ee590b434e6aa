#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "dataplane/packet/transport_feedback.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"
#include "shm/types/units.hpp"

namespace sluice {

/// The transport-wide numbering towards one subscriber; survives. All-zero: not begun.
struct SendHistoryState {
  ExtendedSequenceNumber next{};  ///< never used so far
};
static_assert(std::is_standard_layout_v<SendHistoryState> && std::is_trivially_copyable_v<SendHistoryState>);

/// What a sent packet carried, in order of its claim to the bandwidth.
enum class SendClass : std::uint8_t { audio, rtx, video, padding };

/// One packet that feedback spoke of.
struct PacketResult {
  ExtendedSequenceNumber sequence;
  TimePoint sent;
  TimePoint received;  ///< on the receiver's clock: only differences mean something
  DataSize size;
  SendClass send_class = SendClass::video;
  bool arrived = false;
};

/// What the network did with our packets over the last window.
struct DeliveryRates {
  Bitrate acknowledged;       ///< bytes that arrived, over the time in which they arrived
  double loss = 0;            ///< lost of (lost + arrived), 0..1
  std::uint32_t packets = 0;  ///< judged in the window
};

/// Remembers what went out to one subscriber under which transport-wide number, and joins it with the feedback that comes
/// back. It is the seat of a send-side estimator: on_feedback() yields what one needs.
///
/// Memory: entries x 24 B, allocated at construction. The receiver's claims are not believed further than that: numbers
/// never sent, forgotten or already judged are ignored and counted, and the walk is bounded by the history.
class SendHistory {
 public:
  /// `entries` is a power of two, at most 2^15: 2048 hold half a second of 40 Mbit/s.
  explicit SendHistory(SendHistoryState& state, std::size_t entries = 2048);

  /// Claims the next number; stored before it is returned, so that a successor goes on behind it.
  ExtendedSequenceNumber claim() noexcept;
  /// The packet under that claimed number goes out; `size` with all headers.
  void on_sent(TimePoint now, ExtendedSequenceNumber sequence, DataSize size, SendClass send_class) noexcept;

  /// One feedback message. Writes results of packets judged for the first time, or found to have arrived after all, into
  /// `out`, in order; returns how many. Whatever exceeds out.size() is still counted in rates().
  std::size_t on_feedback(TimePoint now, const TransportFeedback& feedback, std::span<PacketResult> out) noexcept;

  [[nodiscard]] DeliveryRates rates(TimePoint now) const noexcept;
  /// Bytes sent whose fate is unknown (of those still remembered).
  [[nodiscard]] DataSize in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] std::uint64_t ignored_total() const noexcept { return ignored_total_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return entries_.size(); }
  /// Brings the next entry into the cache.
  void prefetch_next() const noexcept;

 private:
  enum class Fate : std::uint8_t { none, in_flight, lost, arrived };
  struct Entry {
    ExtendedSequenceNumber sequence;
    TimePoint sent;
    std::uint16_t size = 0;
    SendClass send_class = SendClass::video;
    Fate fate = Fate::none;
  };
  struct Bucket {
    std::int64_t index = -1;  // time / bucket length
    std::int64_t bytes = 0;
    std::uint32_t arrived = 0;
    std::uint32_t lost = 0;
  };
  static constexpr Duration bucket_length = std::chrono::milliseconds(100);
  static constexpr std::size_t bucket_count = 10;

  [[nodiscard]] Entry& entry_at(ExtendedSequenceNumber sequence) noexcept;
  Bucket& bucket_at(TimePoint now) noexcept;
  /// Takes in one status; false when it is no news.
  [[nodiscard]] bool judge(Entry& entry, Bucket& bucket, bool arrived) noexcept;

  SendHistoryState* state_;
  std::vector<Entry> entries_;
  DataSize in_flight_;  // beside what else each sent packet needs
  Bucket buckets_[bucket_count];
  std::uint64_t ignored_total_ = 0;
  std::int64_t reference_64ms_ = 0;  // of the last feedback, unwrapped
};

}  // namespace sluice
