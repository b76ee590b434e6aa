#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/rooms/ids.hpp"
#include "control/workers/specs.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"

namespace sluice::media {

/// One m-line of a peer, as negotiated last. Its index in PeerMedia::lines is that in the SDP.
struct Line {
  std::string mid;
  MediaKind kind = MediaKind::audio;
  bool receives = false;  // we receive: a producer may be bound. Neither flag: inactive or rejected
  bool sends = false;     // we send: a consumer may be bound
  std::vector<workers::CodecSpec> codecs;
  std::vector<std::string> rids;  // simulcast, in the order of a=simulcast
  std::vector<workers::DeclaredSsrcSpec> ssrcs;
  Ssrc ssrc;  // ours, given when we first send on the line and kept for its life; 0: not yet
  Ssrc rtx_ssrc;
  PublicationId publication;    // there while a producer is bound
  SubscriptionId subscription;  // there from the first sending on: its sequence numbers must go on under the same key
  ProducerId producer;          // empty: none
  ConsumerId consumer;          // empty: none
  friend bool operator==(const Line&, const Line&) = default;
};

/// One peer in a room. Without transport until its first offer.
struct PeerMedia {
  RoomId room;
  WorkerId worker;
  TransportId transport;
  // Of the offers: what tells one RTCPeerConnection from the next (SessionChange).
  std::string remote_ufrag;
  std::string remote_pwd;
  workers::CertificateFingerprint fingerprint{};
  std::string tls_id;
  std::string origin;
  std::vector<std::uint32_t> remote_ssrcs;
  // Of our answers' o= line.
  std::uint64_t session_id = 0;
  std::uint64_t session_version = 0;
  std::vector<std::uint32_t> used_ssrcs;  // ours of m-lines that are gone: never given again on this transport
  std::vector<Line> lines;
  bool may_send = true;            // PeerRestricted: what it sends is forwarded
  bool may_receive = true;         // and others' media to it
  std::uint64_t policy_epoch = 0;  // Restrictions::epoch
  friend bool operator==(const PeerMedia&, const PeerMedia&) = default;
};

/// A publication of the room core with sound or picture.
struct Producer {
  RoomId room;
  PeerId peer;
  MediaKind kind = MediaKind::audio;
  std::vector<std::string> layers;  // names, lowest first
  std::string mid;                  // named by the client; empty: none
  std::string mid_hint;             // the m-line that it had in the session before
  std::vector<std::uint32_t> ssrcs;
  bool paused = false;
  std::uint64_t order = 0;  // of start
  friend bool operator==(const Producer&, const Producer&) = default;
};

/// A subscription of the room core.
struct Consumer {
  static constexpr std::uint8_t no_ceiling = 255;
  RoomId room;
  PeerId peer;  // who receives
  ProducerId producer;
  MediaKind kind = MediaKind::audio;
  bool paused = false;
  std::uint8_t layer = no_ceiling;  // highest index into the producer's layers that it wants
  std::string mid_hint;
  std::uint64_t order = 0;
  std::uint8_t automatic = no_ceiling;  // what a judge of the receiver allows; not kept, it is said anew after a restart
  /// The lower of the two.
  [[nodiscard]] std::uint8_t ceiling() const noexcept { return layer < automatic ? layer : automatic; }
  friend bool operator==(const Consumer&, const Consumer&) = default;
};

}  // namespace sluice::media
