#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/bwe/pacing_queue.hpp"
#include "dataplane/bwe/send_history.hpp"
#include "dataplane/bwe/transport_feedback_generator.hpp"
#include "dataplane/ice/ice_lite_agent.hpp"
#include "dataplane/rtp/rtt_estimator.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"
#include "dataplane/srtp/srtp_sealer.hpp"
#include "dataplane/transport/outgoing_packet.hpp"
#include "dataplane/transport/seal_batch.hpp"
#include "dataplane/transport/spec.hpp"
#include "dataplane/transport/ssrc_table.hpp"
#include "dataplane/transport/transport_record.hpp"
#include "shm/counters/counter_block.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {

/// What all transports of a worker share. Outlives them.
struct TransportSurroundings {
  SrtpBackend& backend;
  const StunCodec& stun;
  DatagramSink& sink;
  SealBatch& batch;
  PacingPolicy& pacing;
  CounterBlock& counters;
  Entropy& entropy;
};

/// One peer's association: ICE, SRTP both ways, transport-wide congestion control both ways, and the last steps of every
/// outgoing packet (pacing, transport-wide number, header, seal, send). What streams mean is the router's business.
class Transport {
 public:
  struct Totals {
    std::uint64_t packets_in = 0;  ///< authenticated
    std::uint64_t bytes_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t bytes_out = 0;
  };

  /// Goes on from a filled record of the same id, else begins it.
  Transport(TimePoint now, const TransportSpec& spec, TransportRecord& record, TransportSurroundings& surroundings);
  /// Leaves the record as it is, for a successor in this process's place.
  ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  [[nodiscard]] TransportId id() const noexcept { return spec_.id; }
  [[nodiscard]] const TransportSpec& spec() const noexcept { return spec_; }
  /// The same id with other wishes: an ICE restart, other header extensions.
  void update(const TransportSpec& spec);

  // --- ICE and life
  /// A STUN datagram: replies if it is authentic, and tells what changed.
  Result<IceChanges, IceError> handle_stun(TimePoint now, const Tuple& from, Bytes datagram) noexcept;
  [[nodiscard]] IceLiteAgent& ice() noexcept { return ice_; }
  [[nodiscard]] const IceLiteAgent& ice() const noexcept { return ice_; }
  [[nodiscard]] TransportPhase phase() const noexcept { return record_.phase; }
  [[nodiscard]] TransportReason reason() const noexcept { return record_.reason; }
  [[nodiscard]] TimePoint phase_since() const noexcept { return phase_since_; }
  /// The only place where the phase changes. False when it is the present one.
  bool enter(TimePoint now, TransportPhase phase, TransportReason reason) noexcept;
  /// A datagram in the clear (DTLS) to the selected tuple, else to `fallback` if that is validated.
  void send_plain(Bytes datagram, const std::optional<Tuple>& fallback) noexcept;

  // --- keys
  enum class KeyChange : std::uint8_t { refused, same, fresh, replaced };
  /// `replaced`: there were others, so everything that is numbered under them must begin anew.
  KeyChange set_keys(SrtpProfile profile, Bytes local_key_salt, Bytes remote_key_salt);
  void wipe_keys() noexcept;
  /// The end of the association, not only of this object: wipes keys and record. Nothing may be called afterwards.
  void forget() noexcept;
  [[nodiscard]] bool keyed() const noexcept { return sealer_.keyed(); }
  [[nodiscard]] SrtpProfile profile() const noexcept { return sealer_.profile(); }
  [[nodiscard]] SrtpSealer& sealer() noexcept { return sealer_; }
  /// Whether media may leave: keys, a selected tuple with consent, not closed.
  [[nodiscard]] bool can_send() const noexcept;

  // --- incoming; the plaintext lies at the front of `packet`. Errors are counted here.
  std::optional<MutableBytes> open_rtp(TimePoint now, MutableBytes packet) noexcept;
  std::optional<MutableBytes> open_rtcp(TimePoint now, MutableBytes packet) noexcept;
  [[nodiscard]] SrtpReceiver& receiver() noexcept { return receiver_; }
  [[nodiscard]] SsrcTable& ssrcs() noexcept { return ssrcs_; }
  [[nodiscard]] TransportFeedbackGenerator& feedback() noexcept { return feedback_; }
  [[nodiscard]] PublisherClock& clock() noexcept { return clock_; }
  [[nodiscard]] TimePoint last_received() const noexcept { return last_received_; }

  // --- outgoing
  /// Into the pacing queue, and out of it what the policy releases; the batch must be flushed afterwards.
  void enqueue(TimePoint now, SendClass send_class, const OutgoingPacket& packet) noexcept;
  /// Brings what the next outgoing packet needs into the cache: first the transport's own lines, then, some packets later,
  /// what they point to.
  void prefetch_own() const noexcept;
  void prefetch_next() const noexcept { history_.prefetch_next(); }
  /// Releases what may go now.
  void drain(TimePoint now) noexcept;
  /// Seals and sends one compound in the clear (at least 8 bytes); false when it may not or could not.
  bool send_rtcp(Bytes compound) noexcept;
  [[nodiscard]] Ssrc rtcp_ssrc() const noexcept { return Ssrc{record_.rtcp_ssrc}; }
  /// Of the peer as publisher (RFC 7022): the same on every worker that it is moved to.
  [[nodiscard]] std::uint64_t name() const noexcept { return record_.name; }
  [[nodiscard]] SendHistory& history() noexcept { return history_; }
  [[nodiscard]] RttEstimator& rtt() noexcept { return rtt_; }
  [[nodiscard]] const RttEstimator& rtt() const noexcept { return rtt_; }
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  /// A predecessor's, to go on from.
  void restore_totals(const Totals& totals) noexcept { totals_ = totals; }
  [[nodiscard]] TimePoint next_pacing(TimePoint now) const noexcept { return pacing_.next_deadline(now); }

 private:
  void release(TimePoint now, SendClass send_class, const OutgoingPacket& packet) noexcept;
  void note_received(TimePoint now, std::size_t bytes) noexcept;
  void count(SrtpError error) noexcept;

  TransportSpec spec_;
  TransportRecord& record_;
  TransportSurroundings& surroundings_;
  IceLiteAgent ice_;
  SrtpSealer sealer_;
  SrtpReceiver receiver_;
  SsrcTable ssrcs_;
  SendHistory history_;
  PacingQueue<OutgoingPacket> pacing_;
  TransportFeedbackGenerator feedback_;
  PublisherClock clock_;
  RttEstimator rtt_;
  Totals totals_;
  TimePoint phase_since_;
  TimePoint last_received_;
};

}  // namespace sluice
