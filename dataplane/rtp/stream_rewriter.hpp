#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "dataplane/rtp/media_source.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// One run of outgoing packets that came from one source with one timestamp offset.
struct RewriterEpoch {
  MediaSource source;
  ExtendedSequenceNumber first_out;
  ExtendedSequenceNumber first_source;
  std::uint32_t timestamp_offset = 0;  ///< outgoing = source + offset, modulo 2^32
  std::uint32_t reserved = 0;
};

/// The outgoing numbering of one subscription; survives in the recovery segment. All-zero: not begun.
///
/// `next_out` is written before forward() returns, so a successor never gives a number out twice.
struct RewriterState {
  static constexpr std::size_t epochs_kept = 8;
  ExtendedSequenceNumber next_out;        ///< never used so far
  ExtendedSequenceNumber source_highest;  ///< of the present epoch's source: forwarded or skipped
  TimePoint timestamp_arrival;            ///< when the packet with timestamp_highest arrived
  std::uint32_t timestamp_highest = 0;    ///< outgoing
  std::uint32_t source_timestamp = 0;     ///< the source timestamp behind timestamp_highest
  std::uint32_t skipped_timestamp = 0;    ///< of the source packet source_highest, while skipped_last
  std::uint32_t epoch = 0;                ///< number of epochs begun; the present one is epochs[(epoch - 1) % epochs_kept]
  bool started = false;                   ///< next_out was set
  bool forwarded = false;                 ///< timestamps are set
  bool skipped_last = false;              ///< source_highest was left out
  std::uint8_t reserved[5] = {};
  std::array<RewriterEpoch, epochs_kept> epochs{};
};
static_assert(std::is_standard_layout_v<RewriterState> && std::is_trivially_copyable_v<RewriterState>);

struct RewriterConfig {
  SequenceNumber first_sequence;      ///< random, below 2^15 (RFC 3711 section 3.3.1: keeps the first roll-over far away)
  std::uint32_t first_timestamp = 0;  ///< random
  std::uint32_t clock_rate = 90'000;  ///< Hz, the same for every source that fills this subscription
};

/// The outgoing header fields of one forwarded packet.
struct RewrittenHeader {
  ExtendedSequenceNumber sequence;
  std::uint32_t rtp_timestamp = 0;
};

/// What lies behind an outgoing sequence number: enough to find the packet in its source's cache and send it again.
struct SentPacket {
  ExtendedSequenceNumber out;
  MediaSource source;
  ExtendedSequenceNumber source_sequence;
  std::uint32_t timestamp_offset = 0;  ///< add to the source packet's timestamp
  std::uint32_t codec_tag = 0;         ///< as given to forward(), see Vp8Rewriter
  bool sent = false;  ///< false: a hole whose packet never went out; it may go by RTX, or as itself through forward()
};

/// Gives the packets that one subscription receives one contiguous numbering, whatever sources fill it.
///
/// Within a source, gaps of the network stay gaps (the subscriber asks again, and a late packet fills its place), while
/// packets that we leave out on purpose (`skip`) leave none. Over a change of source the numbers go on without a gap, and
/// the timestamp advances by the time that really passed between the two packets. Remembers the last 1024 outgoing numbers
/// (12 KiB, allocated at construction, losable: a successor drops late packets and cannot answer older NACKs).
///
/// A late packet takes a number below `next_out` that was reserved for it and never used, so no number is used twice.
class StreamRewriter {
 public:
  static constexpr std::size_t history = 1024;

  /// Begins with `config`, or goes on from a started state.
  StreamRewriter(RewriterState& state, const RewriterConfig& config);

  /// From `first_source` on, `source` fills the subscription (also: again, after a pause). `elapsed_by_capture` is the
  /// capture time between the last forwarded packet and this one where the clocks of both are known (SourceClock); else, or
  /// if it is absurd, the time between their arrivals counts. Time goes forward by at least 1 ms. Does not forward it yet.
  void begin_source(TimePoint now, const MediaSource& source, ExtendedSequenceNumber first_source,
                    std::uint32_t rtp_timestamp, std::optional<Duration> elapsed_by_capture = std::nullopt) noexcept;

  /// The numbers for a packet of `source`. Nothing when it must not be sent: it is of no source that fills or filled the
  /// subscription, from before the switch to it, a duplicate, was skipped, or is too late. `codec_tag` is kept for lookup().
  std::optional<RewrittenHeader> forward(TimePoint now, const MediaSource& source, ExtendedSequenceNumber sequence,
                                         std::uint32_t rtp_timestamp, std::uint32_t codec_tag = 0) noexcept;
  /// Leaves a packet of the present source out. When its number was already reserved (it is late), returns the header under
  /// which an empty packet should go out, so that the subscriber does not ask for it.
  std::optional<RewrittenHeader> skip(const MediaSource& source, ExtendedSequenceNumber sequence,
                                      std::uint32_t rtp_timestamp) noexcept;

  /// What a NACK names. Nothing when it is beyond the history or was never reserved.
  [[nodiscard]] std::optional<SentPacket> lookup(SequenceNumber wire) const noexcept;

  /// The source that fills the subscription now; invalid before the first begin_source().
  [[nodiscard]] MediaSource source() const noexcept;
  /// Of the present source: outgoing timestamp = source timestamp + offset. For sender reports.
  [[nodiscard]] std::uint32_t timestamp_offset() const noexcept;
  [[nodiscard]] ExtendedSequenceNumber next_sequence() const noexcept { return state_->next_out; }
  [[nodiscard]] const RewriterState& state() const noexcept { return *state_; }
  /// Brings what the next packet needs into the cache.
  void prefetch_next() const noexcept;

 private:
  enum class Status : std::uint8_t { unknown, reserved, sent, closed };  // closed: went out empty
  struct Entry {
    std::uint32_t source_low = 0;  // low half of the source's extended number
    std::uint32_t codec_tag = 0;
    std::uint8_t epoch = 0;  // low bits of the epoch's number
    Status status = Status::unknown;
  };
  [[nodiscard]] const RewriterEpoch& present() const noexcept;
  [[nodiscard]] const RewriterEpoch* epoch_of(const Entry& entry) const noexcept;
  [[nodiscard]] Entry& entry_at(ExtendedSequenceNumber out) noexcept;
  [[nodiscard]] const Entry& entry_at(ExtendedSequenceNumber out) const noexcept;
  /// Reserves numbers for the source's packets between its highest and `sequence`.
  void reserve_gap(ExtendedSequenceNumber sequence) noexcept;
  ExtendedSequenceNumber append(ExtendedSequenceNumber source_sequence, Status status, std::uint32_t codec_tag) noexcept;
  /// Uses the number that was reserved for a late packet, if there is one.
  std::optional<RewrittenHeader> fill(const MediaSource& source, ExtendedSequenceNumber sequence,
                                      std::uint32_t rtp_timestamp, Status status, std::uint32_t codec_tag) noexcept;
  [[nodiscard]] std::optional<ExtendedSequenceNumber> find_in(const RewriterEpoch& epoch, ExtendedSequenceNumber end,
                                                              ExtendedSequenceNumber sequence) const noexcept;
  [[nodiscard]] ExtendedSequenceNumber oldest() const noexcept;

  RewriterState* state_;
  RewriterConfig config_;
  ExtendedSequenceNumber remembered_from_;  // entries below belong to a predecessor and are unknown
  std::vector<Entry> entries_;
};

}  // namespace sluice
