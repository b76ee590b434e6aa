#pragma once

#include <srtp2/srtp.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "dataplane/packet/header_extension.hpp"
#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"
#include "shm/types/time.hpp"

namespace sluice::sim {

/// One received packet of a subscription, as the subscriber understands it.
struct Seen {
  std::uint32_t timestamp = 0;
  bool marker = false;
  bool valid = false;  ///< payload has the pattern and its checksum
  bool key_frame = false;
  std::uint16_t picture_id = 0;
  std::uint8_t publisher = 0, layer = 0, index = 0, count = 0;
  std::uint32_t frame = 0;
};

/// What the worker sent under one outgoing number, seen behind the worker's door.
struct Sent {
  Seen seen;
  TimePoint first_sent;
  std::uint32_t as_media = 0, as_rtx = 0;
  bool arrives = false;  ///< the network dropped not all of it
};

/// A stream that a peer receives.
struct ReceivedStream {
  std::uint32_t ssrc = 0, rtx_ssrc = 0;
  bool video = true;
  std::map<std::int64_t, Seen> packets;                       ///< by extended sequence number
  std::map<std::int64_t, std::pair<TimePoint, int>> missing;  ///< when to ask next, how often asked
  std::int64_t highest = -1;
  std::uint64_t total = 0, by_rtx = 0, duplicates = 0;
  TimePoint last;
  std::uint32_t sender_reports = 0;
  std::map<std::int64_t, Sent> sent;            ///< to this stream, whether it arrived or not
  std::map<std::int64_t, std::uint32_t> asked;  ///< NACKs that reached the worker, by number
  std::int64_t sent_highest = -1;
};

/// One packet on its way up.
struct SentUp {
  std::uint16_t sequence = 0;
  std::uint32_t frame = 0;
  std::uint8_t index = 0;
  TimePoint arrival = never;  ///< at the worker, itself or by RTX; never: the network dropped all of it
};

/// A stream (one layer) that a peer sends.
struct SentStream {
  std::uint32_t ssrc = 0, rtx_ssrc = 0;
  std::string mid, rid;
  bool video = true;
  std::uint8_t payload_type = 96;
  std::uint8_t layer = 0;
  std::uint8_t packets_per_frame = 1;
  Duration interval = std::chrono::milliseconds(33);
  bool enabled = true;
  std::uint16_t sequence = 0, rtx_sequence = 0, picture_id = 0;
  std::uint8_t tl0 = 0;
  std::uint32_t timestamp_base = 0, frame = 0;
  bool key_frame_due = true;
  TimePoint next_frame;
  std::map<std::uint16_t, std::vector<std::byte>> history;
  std::uint64_t plis = 0, nacked = 0, frames = 0;
  std::vector<SentUp> log;
};

struct PeerSetup {
  TransportId id;
  Tuple tuple;
  std::string ufrag, pwd;
  HeaderExtensionIds extensions;
  bool gcm = true;
  std::uint64_t seed = 1;
  bool rtx = true;
};

/// An independent client: its own STUN, libsrtp2 for SRTP, its own RTP. Publishes VP8-like and Opus-like streams, answers
/// NACKs by RTX and PLIs by key frames, and receives: asks for what is missing, sends reports.
class SimPeer {
 public:
  using Send = std::function<void(TimePoint, Bytes)>;
  SimPeer(const PeerSetup& setup, Send send);
  ~SimPeer();
  SimPeer(const SimPeer&) = delete;
  SimPeer& operator=(const SimPeer&) = delete;

  void start(TimePoint now) { next_check_ = now; }
  void set_keys();
  [[nodiscard]] std::vector<std::uint8_t> key_of(bool ours) const;
  void on_datagram(TimePoint now, std::vector<std::byte> bytes);
  void on_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;
  void request_key_frame(TimePoint now, std::uint32_t ssrc);
  /// A datagram that leaves the worker for this peer, before the network has its way; `arrives`: it will not be dropped.
  void look_at(TimePoint now, Bytes datagram, bool arrives);
  /// Protects and sends any plaintext (for fuzzing and attacks).
  void send_rtp(TimePoint now, std::vector<std::byte> plain);
  void send_rtcp(TimePoint now, std::vector<std::byte> plain);

  PeerSetup setup;
  std::vector<SentStream> sending;
  std::vector<ReceivedStream> receiving;
  TimePoint last_arrival = never;  ///< set by whoever carries what this peer sends: when the last datagram will arrive
  std::uint64_t stun_replies = 0, bad_srtp = 0, unknown_ssrc = 0, twcc_feedbacks = 0, receiver_reports = 0, byes = 0;

 private:
  void forget_keys();
  void send_frame(TimePoint now, SentStream& stream);
  std::vector<std::byte> packet(TimePoint now, SentStream& stream, std::uint32_t timestamp, bool marker, Bytes payload);
  void send_media(TimePoint now, std::vector<std::byte> plain);
  void on_rtp(TimePoint now, Bytes plain);
  void on_rtcp(TimePoint now, Bytes plain);
  static Seen read(const ReceivedStream& stream, std::uint32_t timestamp, bool marker, Bytes payload);
  void note(TimePoint now, ReceivedStream& stream, std::uint16_t sequence, std::uint32_t timestamp, bool marker,
            Bytes payload, bool rtx);
  void send_reports(TimePoint now);
  void send_nacks(TimePoint now, ReceivedStream& stream);
  void send_twcc(TimePoint now);

  Send send_;
  std::mt19937_64 random_;
  srtp_t out_ = nullptr, in_ = nullptr, look_ = nullptr;
  TimePoint next_check_ = never, next_report_ = never, next_nack_ = never, next_twcc_ = never;
  std::uint32_t check_id_ = 0;
  std::uint16_t transport_sequence_ = 0;
  std::map<std::int64_t, TimePoint> arrivals_;  // transport-wide numbers to report
  std::int64_t twcc_highest_ = -1;
  std::uint8_t twcc_count_ = 0;
};

}  // namespace sluice::sim
