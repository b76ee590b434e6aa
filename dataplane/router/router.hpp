#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "dataplane/memory/flat_table.hpp"
#include "dataplane/packet/rtcp_packet.hpp"
#include "dataplane/router/publication.hpp"
#include "dataplane/router/subscription.hpp"
#include "dataplane/transport/rtcp_outbox.hpp"
#include "dataplane/transport/transport.hpp"

namespace sluice {

/// Who receives what on this worker: the publications and subscriptions of all transports, the way of each media packet from
/// one to the others, and the RTCP of both sides. Rows change only by commands; the packet path allocates nothing.
class Router {
 public:
  /// The records are the recovery segment's tables; their sizes bound the slots.
  Router(std::span<PublicationRecord> publications, std::span<SubscriptionRecord> subscriptions, std::uint32_t transports,
         CounterBlock& counters, Entropy& entropy);

  // --- wishes of control. `transport` is null when it does not exist: then the row has no effect.
  void set_publication(TimePoint now, const PublicationSpec& spec, Transport* transport);
  void set_subscription(TimePoint now, const SubscriptionSpec& spec, Transport* transport);
  /// Whatever lies in the slot; says goodbye to the receiver.
  void remove_publication(std::uint32_t slot);
  enum class Farewell : std::uint8_t {
    said,    ///< BYE: the streams end
    unsaid,  ///< another worker goes on with them, and with the keys
  };
  void remove_subscription(std::uint32_t slot, Farewell farewell = Farewell::said);
  /// The transport goes: its rows must have been removed before.
  void forget_transport(std::uint32_t slot);
  [[nodiscard]] Publication* publication(std::uint32_t slot) noexcept { return publications_[slot].get(); }
  [[nodiscard]] Subscription* subscription(std::uint32_t slot) noexcept { return subscriptions_[slot].get(); }
  /// The rows of one transport, for whoever shows or removes them.
  [[nodiscard]] const std::vector<Publication*>& publications_of(std::uint32_t transport_slot) const noexcept {
    return streams_[transport_slot].publications;
  }
  [[nodiscard]] const std::vector<Subscription*>& subscriptions_of(std::uint32_t transport_slot) const noexcept {
    return streams_[transport_slot].subscriptions;
  }
  /// Keys came, or the path is back: everything this peer receives begins anew with a key frame.
  void on_receiver_ready(TimePoint now, Transport& transport);
  /// The keys were replaced: numbering starts again under the new ones.
  void on_keys_replaced(TimePoint now, Transport& transport);
  /// These may not be sealed under the transport's present keys again (a predecessor's news).
  void mark_spent(std::uint32_t transport_slot, Ssrc ssrc) { streams_[transport_slot].used_ssrcs.insert(ssrc.value); }
  [[nodiscard]] const std::unordered_set<std::uint32_t>& spent_of(std::uint32_t transport_slot) const noexcept {
    return streams_[transport_slot].used_ssrcs;
  }
  /// A change of process may have cost packets: a key frame of every layer that somebody gets.
  void refresh_pictures(TimePoint now) noexcept;
  /// Of one publisher's layers.
  void refresh_pictures(TimePoint now, std::uint32_t transport_slot) noexcept;
  /// Control asks the publisher for a key frame, on every layer that is forwarded.
  void request_key_frame(TimePoint now, PublicationId id);

  // --- packets of one transport, decrypted. The seal batch must be flushed afterwards.
  void handle_rtp(TimePoint now, Transport& from, MutableBytes bytes) noexcept;
  void handle_rtcp(TimePoint now, Transport& from, Bytes bytes) noexcept;

  // --- time, per transport
  void handle_timeout(TimePoint now, Transport& transport) noexcept;
  [[nodiscard]] TimePoint next_deadline(TimePoint now, Transport& transport) noexcept;
  /// The part of it that an incoming packet of the transport can have brought nearer.
  [[nodiscard]] TimePoint next_publishing_deadline(Transport& transport) noexcept;
  /// Slots of the transports that got work to do from another one's packets (a first sender report, a key frame to ask
  /// for): handle_timeout is due for them.
  template <typename Visit>
  void take_woken(Visit visit) noexcept {
    for (std::size_t i = 0; i < woken_count_; ++i) {
      streams_[woken_[i]].woken = false;
      visit(woken_[i]);
    }
    woken_count_ = 0;
  }

 private:
  struct Streams {
    std::vector<Publication*> publications;
    std::vector<Subscription*> subscriptions;
    /// Every SSRC that was sealed under the present keys: none may come back (one key, SSRC and index encrypts once).
    std::unordered_set<std::uint32_t> used_ssrcs;
    TimePoint report_due;   // RR
    TimePoint refresh_due;  // key frame wishes
    Bitrate remb;
    bool woken = false;
  };
  struct Target {
    std::uint32_t subscription = 0;
    bool rtx = false;
  };

  // Incoming media.
  [[nodiscard]] const SsrcBinding* bind(Transport& from, const RtpPacket& packet) noexcept;
  [[nodiscard]] Publication* publication_of(Transport& from, const RtpPacket& packet) noexcept;
  const SsrcBinding* bind_media(Transport& from, Publication& publication, std::uint8_t layer, Ssrc ssrc) noexcept;
  const SsrcBinding* bind_rtx(Transport& from, Publication& publication, std::uint8_t layer, Ssrc ssrc) noexcept;
  void forward(TimePoint now, Publication& publication, std::uint8_t layer, const RtpPacket& packet, const CodecSpec& codec,
               bool repaired) noexcept;
  void repair(TimePoint now, Publication& publication, std::uint8_t layer, const RtpPacket& packet,
              const CodecSpec& codec) noexcept;
  void refresh_key_frames(TimePoint now, Publication& publication) noexcept;
  // Incoming RTCP.
  [[nodiscard]] Subscription* receiver_of(Transport& from, Ssrc ssrc, bool* rtx = nullptr) noexcept;
  void on_sender_report(TimePoint now, Transport& from, const SenderReport& report) noexcept;
  void on_report_blocks(TimePoint now, Transport& from, const ReportBlocks& blocks) noexcept;
  void on_transport_feedback(TimePoint now, Transport& from, const TransportFeedback& feedback) noexcept;
  void on_estimate(Transport& from, const ReceiverEstimate& estimate) noexcept;
  // Outgoing RTCP.
  void send_receiver_reports(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept;
  void send_sender_reports(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept;
  void send_feedback(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept;
  void send_transport_feedback(TimePoint now, Transport& transport, RtcpOutbox& outbox) noexcept;

  void link(TimePoint now, Subscription& subscription);
  void unlink(Subscription& subscription) noexcept;
  bool claim_ssrcs(const SubscriptionSpec& spec);
  void wake(std::uint32_t transport_slot) noexcept;
  [[nodiscard]] std::uint32_t jitter_ms(std::uint32_t below) noexcept;
  [[nodiscard]] Streams& streams_of(const Transport& transport) noexcept { return streams_[transport.id().slot]; }
  [[nodiscard]] static std::uint64_t target_key(std::uint32_t transport_slot, Ssrc ssrc) noexcept {
    return std::uint64_t{transport_slot} << 32U | ssrc.value;
  }

  std::span<PublicationRecord> publication_records_;
  std::span<SubscriptionRecord> subscription_records_;
  CounterBlock& counters_;
  Entropy& entropy_;
  std::vector<std::unique_ptr<Publication>> publications_;    // by slot
  std::vector<std::unique_ptr<Subscription>> subscriptions_;  // by slot
  std::uint32_t subscription_slots_used_ = 0;                 // no row lies at or above
  std::vector<Streams> streams_;                              // by transport slot
  FlatTable<std::uint64_t, Target> targets_;                  // transport slot and our SSRC -> who is meant
  std::vector<std::uint32_t> woken_;
  std::size_t woken_count_ = 0;
  std::vector<PacketResult> feedback_results_;
  TransportFeedbackWriter feedback_writer_;
  std::uint32_t random_ = 1;
};

}  // namespace sluice
