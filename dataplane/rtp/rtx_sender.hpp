#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"
#include "shm/types/units.hpp"

namespace sluice {

/// The numbering of one subscription's RTX stream; survives in the recovery segment. All-zero: not begun.
struct RtxState {
  ExtendedSequenceNumber next;  ///< never used so far
  std::uint64_t packets = 0;    ///< sent, for its sender reports
  std::uint64_t bytes = 0;      ///< RTX payload octets
  bool started = false;
  std::uint8_t reserved[7] = {};
};
static_assert(std::is_standard_layout_v<RtxState> && std::is_trivially_copyable_v<RtxState>);

struct RtxConfig {
  SequenceNumber first_sequence;  ///< random, below 2^15
  std::uint8_t resends_max = 3;
  Duration interval_unknown_rtt = std::chrono::milliseconds(20);
  Duration interval_min = std::chrono::milliseconds(10);
  double rate_share = 0.2;     ///< of the stream's own rate
  double loss_multiple = 1.5;  ///< times the loss reported, of the stream's rate; the larger of both counts
  DataSize burst{24 * 1024};   ///< always allowed at once: about one lost key frame of a low layer
};

/// Why a packet is or is not sent again.
enum class RtxVerdict : std::uint8_t { send, resent_enough, too_soon, over_budget };

/// Decides what one subscription gets retransmitted and numbers it (RFC 4588: own SSRC, own sequence numbers). Bounds what a
/// receiver can make us send: each packet at most 3 times, not again within about one rtt, and altogether at most
/// max(20 % of the stream's rate, 1.5 x its measured loss), with a bucket of two seconds.
/// Memory: 1024 x 8 B of resend counts, allocated at construction, losable.
class RtxSender {
 public:
  static constexpr std::size_t history = 1024;  ///< as StreamRewriter's

  RtxSender(RtxState& state, const RtxConfig& config);

  /// A media packet of the stream went out; `size` with header.
  void on_media_sent(TimePoint now, DataSize size) noexcept;
  void set_rtt(Duration rtt) noexcept;
  /// From the receiver's reports: lost of 256.
  void set_fraction_lost(std::uint8_t fraction_lost) noexcept;

  /// Asks to resend the packet with outgoing number `out`; on `send` the budget is charged and the try counted.
  RtxVerdict admit(TimePoint now, ExtendedSequenceNumber out, DataSize size) noexcept;
  /// Claims the sequence number of the next RTX packet; stored before it is returned.
  ExtendedSequenceNumber claim_sequence(DataSize payload) noexcept;

  [[nodiscard]] Bitrate media_rate() const noexcept { return media_rate_; }
  [[nodiscard]] Bitrate budget() const noexcept;
  [[nodiscard]] const RtxState& state() const noexcept { return *state_; }

 private:
  struct Entry {
    std::uint32_t out_low = 0;
    std::uint32_t resends : 3 = 0;
    std::uint32_t last_ms : 29 = 0;  // wraps after six days; an entry lives for seconds
  };
  void measure(TimePoint now) noexcept;
  void refill(TimePoint now) noexcept;
  [[nodiscard]] double bucket_size() const noexcept;

  RtxState* state_;
  RtxConfig config_;
  std::vector<Entry> entries_;
  Duration interval_;
  TimePoint window_begin_;
  TimePoint refilled_;
  std::int64_t window_bytes_ = 0;
  Bitrate media_rate_;
  double tokens_;  // bytes
  std::uint8_t fraction_lost_ = 0;
  bool measuring_ = false;
};

}  // namespace sluice
