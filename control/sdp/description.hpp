#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/ids.hpp"

namespace sluice::sdp {

// The part of a session description (RFC 8866) that WebRTC (RFC 9429) uses and we understand. Attributes that are not here
// are dropped by the parser. Plain values; texts hold no CR, LF or NUL.

enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
/// RFC 4145 section 4.
enum class Setup : std::uint8_t { actpass, active, passive, holdconn };
/// What the m-line is about; `other` can only be rejected.
enum class Medium : std::uint8_t { audio, video, application, other };

/// RFC 8122 section 5.
struct Fingerprint {
  std::string algorithm;  // lower case, "sha-256"
  std::vector<std::uint8_t> value;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// RFC 8839 section 5.1. Address stays text: it may be an mDNS name.
struct Candidate {
  std::string foundation;
  std::uint32_t component = 1;
  std::string transport;  // "udp", as written
  std::uint32_t priority = 0;
  std::string address;
  std::uint16_t port = 0;
  std::string type;        // "host"
  std::string extensions;  // the rest of the line, unread
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// One payload type of an m-line: rtpmap (RFC 8866 section 6.6), fmtp and rtcp-fb (RFC 4585 section 4.2) together.
struct Format {
  std::uint8_t payload_type = 0;          // 0..127
  std::string encoding;                   // as written, compared without case; empty without a=rtpmap
  std::uint32_t clock_rate = 0;           // Hz
  std::uint32_t channels = 0;             // 0: not stated
  std::optional<std::string> parameters;  // a=fmtp
  std::vector<std::string> feedback;      // "nack", "nack pli", "ccm fir" ...
  friend bool operator==(const Format&, const Format&) = default;
};

/// RFC 8285 section 8.
struct Extension {
  std::uint16_t id = 0;
  std::optional<Direction> direction;
  std::string uri;
  friend bool operator==(const Extension&, const Extension&) = default;
};

/// RFC 8830.
struct Msid {
  std::string stream;  // "-": none
  std::string track;   // may be empty
  friend bool operator==(const Msid&, const Msid&) = default;
};

/// RFC 5576 section 4.1.
struct SsrcAttributes {
  Ssrc ssrc;
  std::string cname;
  friend bool operator==(const SsrcAttributes&, const SsrcAttributes&) = default;
};

/// RFC 5576 section 4.2: "FID" pairs a stream and its RTX (RFC 4588), "SIM" lists simulcast streams, lowest first.
struct SsrcGroup {
  std::string semantics;
  std::vector<Ssrc> ssrcs;
  friend bool operator==(const SsrcGroup&, const SsrcGroup&) = default;
};

/// RFC 8851.
struct RidDescription {
  enum class Direction : std::uint8_t { send, recv };
  std::string id;
  Direction direction = Direction::send;
  std::string restrictions;
  friend bool operator==(const RidDescription&, const RidDescription&) = default;
};

/// One stream of a=simulcast (RFC 8853): its alternatives are reduced to the first, which the others only replace when it is
/// refused.
struct SimulcastStream {
  std::string rid;
  bool paused = false;
  friend bool operator==(const SimulcastStream&, const SimulcastStream&) = default;
};
struct Simulcast {
  std::vector<SimulcastStream> send;
  std::vector<SimulcastStream> recv;
  friend bool operator==(const Simulcast&, const Simulcast&) = default;
};

/// What may stand at session level for all m-lines, or in an m-line for itself.
struct TransportAttributes {
  std::optional<std::string> ice_ufrag;
  std::optional<std::string> ice_pwd;
  std::optional<std::string> ice_options;
  std::vector<Fingerprint> fingerprints;
  std::optional<Setup> setup;
  std::optional<std::string> tls_id;  // RFC 8842
  friend bool operator==(const TransportAttributes&, const TransportAttributes&) = default;
};

struct MediaDescription {
  Medium medium = Medium::other;
  std::string medium_text;      // "audio", as written
  std::uint16_t port = 9;       // 0: rejected, or bundle-only
  std::string protocol;         // "UDP/TLS/RTP/SAVPF"
  std::string format_text;      // of m-lines that are not RTP, and of rejected ones: what follows the protocol
  std::vector<Format> formats;  // of RTP m-lines, in order of preference
  std::optional<std::string> mid;
  TransportAttributes transport;
  std::optional<Direction> direction;  // not stated means sendrecv (RFC 8866 section 6.7)
  bool rtcp_mux = false;
  bool rtcp_reduced_size = false;
  bool bundle_only = false;  // RFC 9143 section 6
  bool extmap_allow_mixed = false;
  std::vector<Extension> extensions;
  std::vector<std::string> feedback_for_all;  // a=rtcp-fb:*
  std::vector<Msid> msids;
  std::vector<SsrcAttributes> ssrcs;
  std::vector<SsrcGroup> ssrc_groups;
  std::vector<RidDescription> rids;
  std::optional<Simulcast> simulcast;
  std::vector<Candidate> candidates;
  bool end_of_candidates = false;
  friend bool operator==(const MediaDescription&, const MediaDescription&) = default;

  [[nodiscard]] const Format* find_format(std::uint8_t payload_type) const;
  /// SAVPF over DTLS: the only kind of RTP that is ever accepted (RFC 8827 section 6.5).
  [[nodiscard]] bool is_secure_rtp() const;
};

/// a=group (RFC 5888).
struct Group {
  std::string semantics;  // "BUNDLE"
  std::vector<std::string> mids;
  friend bool operator==(const Group&, const Group&) = default;
};

struct SessionDescription {
  std::string username = "-";
  std::uint64_t session_id = 0;
  std::uint64_t session_version = 0;
  std::string address = "IN IP4 127.0.0.1";  // of the o= line
  std::vector<Group> groups;
  bool ice_lite = false;
  bool extmap_allow_mixed = false;
  std::optional<Direction> direction;
  TransportAttributes transport;
  std::vector<Extension> extensions;
  std::vector<MediaDescription> media;
  friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

/// Compares without regard to case, as encoding names and hash functions are (ASCII).
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace sluice::sdp
