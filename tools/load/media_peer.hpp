#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "dataplane/bwe/transport_feedback_generator.hpp"
#include "dataplane/packet/rtcp_packet.hpp"
#include "tools/load/audited_srtp.hpp"
#include "tools/load/consent.hpp"
#include "tools/load/datagrams.hpp"
#include "tools/load/dtls_client.hpp"
#include "tools/load/index_audit.hpp"
#include "tools/load/media_spec.hpp"
#include "tools/load/packet_sink.hpp"
#include "tools/load/receive_stream.hpp"
#include "tools/load/send_stream.hpp"
#include "tools/load/srtp_session.hpp"

namespace sluice::load {

/// What all media peers of a run share. Outlives them.
struct MediaShared {
  MediaSettings settings;
  const DtlsIdentity* identity = nullptr;
  bool audit = false;
  double drop = 0;           ///< share of RTP and RTCP datagrams to lose on purpose each way, 0..1
  SendBatch* out = nullptr;  ///< empty between two calls of a peer
  /// A gap that counts has ended at this stream.
  std::function<void(const ReceiveStream&, const Gap&)> on_gap;
  /// The peer's DTLS is done, or has failed or closed: for people.
  std::function<void(const std::string& problem)> on_problem;
  /// An index was used twice.
  std::function<void(Ssrc, std::uint64_t index, bool rtcp)> on_repeat;
};

/// One peer from DTLS on: SRTP, its streams both ways, RTCP, consent. Driven by MediaLoop; single-threaded.
class MediaPeer final : private PacketSink {
 public:
  MediaPeer(PeerSpec spec, const MediaShared& shared, TimePoint now);
  ~MediaPeer() override;
  MediaPeer(const MediaPeer&) = delete;
  MediaPeer& operator=(const MediaPeer&) = delete;

  void start();
  void on_datagram(TimePoint arrival, TimePoint now, MutableBytes datagram);
  /// Everything that is due. Returns how late the latest frame was sent.
  Duration on_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline(TimePoint now) const;
  void stop_sending() noexcept { sending_ = false; }
  void reset(TimePoint now) noexcept;

  struct Counts {
    std::uint64_t sent = 0;           ///< RTP packets
    std::uint64_t nacked = 0;         ///< packets that the server asked for again
    std::uint64_t key_requests = 0;   ///< PLI and FIR from the server
    std::uint64_t nacks_sent = 0;     ///< packets that we asked for again
    std::uint64_t undecryptable = 0;  ///< RTP or RTCP that is not authentic
    std::uint64_t replays = 0;        ///< refused by libsrtp2 as seen or old
    std::uint64_t unknown_ssrc = 0;
    std::uint64_t malformed = 0;
    std::uint64_t dropped = 0;  ///< on purpose
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  [[nodiscard]] int socket() const noexcept { return spec_.socket; }
  [[nodiscard]] bool connected() const noexcept { return srtp_ != nullptr; }
  [[nodiscard]] const std::vector<std::unique_ptr<SendStream>>& sends() const noexcept { return sends_; }
  [[nodiscard]] std::vector<std::unique_ptr<ReceiveStream>>& receives() noexcept { return receives_; }
  /// Nothing before DTLS is done.
  [[nodiscard]] IndexAudit::Counts audit() const noexcept {
    return inbound_ == nullptr ? IndexAudit::Counts{} : inbound_->audit().counts();
  }

 private:
  struct Route {
    ReceiveStream* stream = nullptr;
    bool rtx = false;
  };
  [[nodiscard]] MutableBytes begin() override;
  void end(std::size_t size) override;
  [[nodiscard]] std::uint16_t next_transport_number() override { return transport_number_++; }
  [[nodiscard]] TimePoint send_time() const override;

  [[nodiscard]] bool drops() noexcept;
  void send_plain(Bytes datagram);
  void send_rtcp(const std::function<void(RtcpWriter&)>& write);
  void after_dtls(TimePoint now);
  void on_rtp(TimePoint arrival, MutableBytes datagram);
  void on_rtcp(TimePoint arrival, MutableBytes datagram);
  [[nodiscard]] bool count(SrtpSession::Opened opened) noexcept;
  void handle(TimePoint arrival, const RtcpPacket& packet);
  void send_reports(TimePoint now);
  void send_feedback(TimePoint now);
  [[nodiscard]] SendStream* sending_of(Ssrc ssrc) noexcept;

  PeerSpec spec_;
  const MediaShared& shared_;
  DtlsClient dtls_;
  Consent consent_;
  std::unique_ptr<SrtpSession> srtp_;
  std::unique_ptr<AuditedSrtp> inbound_;
  std::vector<std::unique_ptr<SendStream>> sends_;
  std::vector<std::unique_ptr<ReceiveStream>> receives_;
  std::unordered_map<Ssrc, Route> routes_;
  TransportFeedbackGenerator transport_feedback_;
  std::minstd_rand random_;
  Ssrc own_ssrc_;  // of RTCP that belongs to no stream of ours
  Counts counts_;
  TimePoint next_report_ = never;
  TimePoint next_look_ = never;  // at streams that may want a key frame
  std::uint16_t transport_number_ = 0;
  bool sending_ = true;
  bool told_problem_ = false;
};

}  // namespace sluice::load
