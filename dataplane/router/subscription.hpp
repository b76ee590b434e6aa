#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "dataplane/router/publication.hpp"
#include "dataplane/rtp/key_frame_requester.hpp"
#include "dataplane/rtp/rtx_sender.hpp"
#include "dataplane/rtp/sender_reporter.hpp"
#include "dataplane/rtp/stream_rewriter.hpp"
#include "dataplane/rtp/vp8_rewriter.hpp"
#include "dataplane/simulcast/simulcast_switcher.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "dataplane/transport/transport.hpp"

namespace sluice {

/// What a successor must know of one subscription. All zero: an empty slot.
struct SubscriptionRecord {
  std::uint64_t id = 0;  ///< packed SubscriptionId
  /// Whose keys sealed what under which SSRCs: known even when the wish that they came from is not.
  std::uint64_t transport = 0;  ///< packed TransportId
  std::uint32_t ssrc = 0;
  std::uint32_t rtx_ssrc = 0;
  RewriterState rewriter;
  Vp8RewriterState vp8;
  SwitcherState switcher;
  RtxState rtx;
  SenderReporterState reporter;
  KeyFrameLimiterState limiter;
  SrtpSenderState media_sender;
  SrtpSenderState rtx_sender;
};
static_assert(std::is_standard_layout_v<SubscriptionRecord> && std::is_trivially_copyable_v<SubscriptionRecord>);

/// One m-line that a peer receives: chooses what of its publication goes out and gives it one continuous numbering, whatever
/// fills the m-line.
class Subscription {
 public:
  struct Totals {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  ///< payload
    std::uint64_t retransmitted = 0;
    std::uint32_t nacks = 0;
    std::uint32_t key_frame_requests = 0;
    std::uint8_t fraction_lost = 0;  ///< of 256, from the last report
  };

  /// `receiver` outlives the subscription. Goes on from a filled record of the same id and SSRCs.
  Subscription(const SubscriptionSpec& spec, SubscriptionRecord& record, Transport& receiver, CounterBlock& counters,
               Entropy& entropy);
  /// Leaves the record as it is, for a successor in this process's place.
  ~Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  [[nodiscard]] SubscriptionId id() const noexcept { return spec_.id; }
  [[nodiscard]] const SubscriptionSpec& spec() const noexcept { return spec_; }
  /// The same id, transport and SSRCs with other wishes. False when it must be made anew.
  [[nodiscard]] bool update(const SubscriptionSpec& spec);
  [[nodiscard]] Transport& receiver() noexcept { return receiver_; }
  [[nodiscard]] Publication* publication() noexcept { return publication_; }
  /// The end of the subscription, not only of this object: empties the record.
  void forget() noexcept { record_ = SubscriptionRecord{}; }
  /// What fills the m-line from now on; null: nothing. Only the router calls this. What filled it for a predecessor goes on
  /// without a new beginning.
  void fill_with(Publication* publication) noexcept;
  /// Begin anew with the next key frame (the receiver came back, the policy opened).
  void restart() noexcept;
  /// A layer of the publication goes on under another SSRC, whose numbers begin anew.
  void forget_layer(std::uint8_t layer) noexcept;

  /// Whether policy and wish let anything through now.
  [[nodiscard]] bool open() const noexcept {
    return publication_ != nullptr && publication_->spec().forward && spec_.active;
  }

  /// Brings what on_packet needs into the cache, in three steps of which each needs what the one before brought: the
  /// subscription itself; what it refers to; what that refers to.
  void prefetch_own() const noexcept;
  void prefetch_parts() const noexcept;
  void prefetch_places() const noexcept;
  /// A usable packet of the publication. Payload is borrowed until the seal batch is flushed.
  void on_packet(TimePoint now, const IncomingPacket& packet) noexcept;
  /// A padding-only packet of the publication: its number is taken out.
  void on_padding(TimePoint now, const IncomingPacket& packet) noexcept;

  /// The receiver misses the packet with this outgoing number.
  void on_nack(TimePoint now, SequenceNumber wire) noexcept;
  /// PLI or FIR of the receiver.
  void on_key_frame_request(TimePoint now) noexcept;
  /// A report block about the media SSRC.
  void on_report(TimePoint now, const ReportBlock& block) noexcept;
  /// The layer whose publisher should be asked for a key frame.
  [[nodiscard]] std::optional<std::uint8_t> key_frame_wanted(TimePoint now) const noexcept;
  /// The layer that is forwarded.
  [[nodiscard]] std::optional<std::uint8_t> current_layer() const noexcept;
  [[nodiscard]] std::optional<std::uint8_t> target_layer(TimePoint now) const noexcept;

  [[nodiscard]] TimePoint next_report() const noexcept {
    return publication_ == nullptr ? never : reporter_.next_deadline();
  }
  [[nodiscard]] std::optional<SenderReportData> report(TimePoint now) noexcept;
  [[nodiscard]] bool sent_anything() const noexcept { return record_.reporter.packets != 0; }
  /// True once after another source, or the same one anew, began to fill the m-line.
  [[nodiscard]] bool take_began() noexcept { return std::exchange(began_, false); }
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  /// A predecessor's, to go on from.
  void restore_totals(const Totals& totals) noexcept { totals_ = totals; }

 private:
  /// Media that need no layer choice: audio, and codecs whose key frames we cannot see.
  [[nodiscard]] static bool is_plain(const IncomingPacket& packet) noexcept { return packet.codec != Codec::vp8; }
  void judge(TimePoint now, const CodecSpec& codec, const IncomingPacket& packet) noexcept;
  void begin(TimePoint now, const IncomingPacket& packet) noexcept;
  void catch_up(TimePoint now, const CodecSpec& codec, const IncomingPacket& first) noexcept;
  void deliver(TimePoint now, const CodecSpec& codec, const IncomingPacket& packet) noexcept;
  void leave_out(TimePoint now, const CodecSpec& codec, const IncomingPacket& packet) noexcept;
  void send_empty(TimePoint now, const CodecSpec& codec, const RewrittenHeader& header) noexcept;
  void ask_for_key_frame(TimePoint now) noexcept;

  SubscriptionSpec spec_;
  SubscriptionRecord& record_;
  Transport& receiver_;
  CounterBlock& counters_;
  Publication* publication_ = nullptr;
  StreamRewriter rewriter_;
  Vp8Rewriter vp8_;
  SimulcastSwitcher switcher_;
  RtxSender rtx_;
  SenderReporter reporter_;
  KeyFrameLimiter limiter_;
  SrtpSender media_sender_;
  SrtpSender rtx_sender_;
  Totals totals_;
  bool began_ = false;
  bool begin_anew_ = true;  // plain media: the next packet begins a source
  bool adopted_ = false;    // the record is a predecessor's, and nothing has filled the m-line yet
};

}  // namespace sluice
