#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/sdp/description.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"
#include "shm/types/result.hpp"

namespace sluice::sdp {

/// What this build can carry; the same for every offer.
struct Capabilities {
  std::vector<Codec> codecs = {Codec::opus, Codec::vp8};
  bool opus_dtx = false;  // ask senders for discontinuous transmission
};

/// The header extensions that we know, in the order of ExtensionIds below.
enum class ExtensionKind : std::uint8_t {
  mid,                // RFC 9143
  rid,                // RFC 8852
  repaired_rid,       // RFC 8852
  transport_wide_cc,  // draft-holmer-rmcat-transport-wide-cc-extensions-01
  abs_send_time,
  audio_level,  // RFC 6464
  video_orientation,
  playout_delay,
  count_,
};
inline constexpr std::size_t extension_kinds = static_cast<std::size_t>(ExtensionKind::count_);
/// Id of each kind on the whole transport; 0 = not negotiated.
using ExtensionTable = std::array<std::uint8_t, extension_kinds>;
[[nodiscard]] std::string_view uri_of(ExtensionKind kind) noexcept;

struct NegotiatedCodec {
  Codec codec = Codec::unknown;
  std::uint8_t payload_type = 0;  // the offerer's
  std::optional<std::uint8_t> rtx_payload_type;
  std::uint32_t clock_rate = 0;  // Hz
  bool nack = false;             // only with RTX: one key and index encrypts one packet, so there is no other way to repeat
  bool pli = false;
  bool fir = false;
  bool transport_cc = false;
  friend bool operator==(const NegotiatedCodec&, const NegotiatedCodec&) = default;
};

struct NegotiatedSsrc {
  Ssrc ssrc;
  Ssrc rtx_ssrc;  // 0: none
  friend bool operator==(const NegotiatedSsrc&, const NegotiatedSsrc&) = default;
};

/// One m-line of the offer, as we take it.
struct NegotiatedLine {
  bool accepted = false;  // false: answered with port 0
  MediaKind kind = MediaKind::audio;
  std::string mid;
  bool receives = false;                // we receive: the offerer sends
  bool sends = false;                   // we send
  std::vector<NegotiatedCodec> codecs;  // in the offerer's order of preference; at least one
  std::vector<Extension> extensions;    // as in the offer, those that we take
  std::vector<std::string> rids;        // simulcast that we receive, in the order of a=simulcast; empty: none
  std::optional<NegotiatedSsrc>
      declared_ssrc;  // what the offerer says it sends with; not with rids, which name streams better
  friend bool operator==(const NegotiatedLine&, const NegotiatedLine&) = default;
};

/// What follows from an offer, free of SDP from here on.
struct Negotiation {
  std::string remote_ufrag;
  std::string remote_pwd;
  std::array<std::uint8_t, 32> fingerprint{};  // SHA-256 of the offerer's certificate
  Setup setup = Setup::passive;                // ours: passive or active
  std::string tls_id;                          // empty: none (RFC 8842)
  ExtensionTable extension_ids{};
  std::vector<NegotiatedLine> lines;  // one per m-line of the offer, in its order
  /// False when every m-line is rejected: there is nothing to connect, and the fields above are empty.
  [[nodiscard]] bool has_transport() const;
};

struct NegotiationError {
  std::string message;  // one sentence for the client's author
};

/// Takes of an offer what we can carry (RFC 9429 section 5.3): everything in one bundle (RFC 9143) with rtcp-mux over SAVPF.
/// An m-line that cannot be carried is rejected; an offer whose transport cannot work is an error. Works the same for first
/// and later offers. Pure.
[[nodiscard]] Result<Negotiation, NegotiationError> negotiate(const SessionDescription& offer,
                                                              const Capabilities& capabilities);

}  // namespace sluice::sdp
