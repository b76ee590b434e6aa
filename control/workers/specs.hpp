#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/workers/worker_info.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"

namespace sluice::workers {

// What a worker is told of each entity, in the vocabulary of schemas/commands.fbs. Plain values: equal specs mean that
// nothing has to be sent. Every default is the closed one.

/// Our side of the DTLS association.
enum class DtlsRole : std::uint8_t { server, client };

/// Ids of RTP header extensions (RFC 8285), 1..14; 0 = not negotiated.
struct ExtensionIds {
  std::uint8_t mid = 0;
  std::uint8_t rid = 0;
  std::uint8_t repaired_rid = 0;
  std::uint8_t transport_wide_cc = 0;
  std::uint8_t abs_send_time = 0;
  std::uint8_t audio_level = 0;
  std::uint8_t video_orientation = 0;
  std::uint8_t playout_delay = 0;
  friend bool operator==(const ExtensionIds&, const ExtensionIds&) = default;
};

/// One codec as negotiated on one m-line.
struct CodecSpec {
  static constexpr std::uint8_t no_rtx = 255;
  Codec codec = Codec::unknown;
  std::uint8_t payload_type = 0;           // 0..127
  std::uint8_t rtx_payload_type = no_rtx;  // RFC 4588
  std::uint32_t clock_rate = 0;            // Hz
  bool nack = false;
  bool pli = false;
  bool transport_cc = false;
  friend bool operator==(const CodecSpec&, const CodecSpec&) = default;
};

struct DeclaredSsrcSpec {
  std::uint8_t layer = 0;  // index into PublicationSpec::rids; 0 without simulcast
  Ssrc ssrc;
  Ssrc rtx_ssrc;  // 0: none declared
  friend bool operator==(const DeclaredSsrcSpec&, const DeclaredSsrcSpec&) = default;
};

/// A transport on some worker.
struct TransportPlace {
  WorkerId worker;
  TransportId transport;
  friend auto operator<=>(const TransportPlace&, const TransportPlace&) = default;
};

/// One peer's association.
struct TransportSpec {
  std::string local_ufrag;
  std::string local_pwd;
  std::string remote_ufrag;
  DtlsRole role = DtlsRole::server;
  CertificateFingerprint fingerprint{};  // of the peer's certificate
  ExtensionIds extensions;
  std::uint32_t max_receive_bitrate = 0;  // bit/s; 0 = no cap
  std::optional<TransportPlace> from;     // whose records it waits for before it is built
  std::optional<TransportPlace> home;     // whose address the peer was told, if not this worker's: that one relays
  friend bool operator==(const TransportSpec&, const TransportSpec&) = default;
};

/// One m-line that a peer sends.
struct PublicationSpec {
  TransportId transport;
  MediaKind kind = MediaKind::audio;
  std::string mid;
  std::vector<CodecSpec> codecs;
  std::vector<std::string> rids;  // simulcast layers, lowest quality first; empty: one layer
  std::vector<DeclaredSsrcSpec> ssrcs;
  bool forward = false;            // false drops every packet
  std::uint32_t policy_epoch = 0;  // of the decision behind `forward` (shm/types/policy_mark.hpp)
  friend bool operator==(const PublicationSpec&, const PublicationSpec&) = default;
};

/// One m-line that a peer receives, whatever fills it.
struct SubscriptionSpec {
  static constexpr std::uint8_t every_layer = 255;
  TransportId transport;
  MediaKind kind = MediaKind::audio;
  std::string mid;
  std::vector<CodecSpec> codecs;
  Ssrc ssrc;                  // ours, for the m-line's life
  Ssrc rtx_ssrc;              // 0: none
  PublicationId publication;  // invalid: nothing fills the m-line
  bool active = false;
  std::uint8_t max_layer = every_layer;  // highest layer index that may be forwarded
  std::uint32_t policy_epoch = 0;        // of the decision behind `active`
  friend bool operator==(const SubscriptionSpec&, const SubscriptionSpec&) = default;
};

/// A transport that left this worker and goes on at another, which gets its records; what the peer sends here is relayed.
struct DepartureSpec {
  TransportPlace to;
  std::vector<std::pair<PublicationId, PublicationId>> publications;  // here, there
  std::vector<std::pair<SubscriptionId, SubscriptionId>> subscriptions;
  friend bool operator==(const DepartureSpec&, const DepartureSpec&) = default;
};

}  // namespace sluice::workers
