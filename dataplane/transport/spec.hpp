#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/packet/header_extension.hpp"
#include "shm/types/fixed_text.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"
#include "shm/types/units.hpp"

namespace sluice {

/// Simulcast layers of one publication (hardening.md section 3).
inline constexpr std::size_t layers_max = 3;
/// Incoming SSRCs of one transport, RTX included (hardening.md section 3).
inline constexpr std::size_t incoming_ssrcs_max = 64;
/// Codecs of one m-line.
inline constexpr std::size_t codecs_max = 64;
/// "No RTX negotiated" in place of a payload type.
inline constexpr std::uint8_t no_payload_type = 255;
/// "Any layer" as the highest one allowed.
inline constexpr std::uint8_t any_layer = 255;

enum class DtlsRole : std::uint8_t { server, client };

/// One codec as negotiated on one m-line.
struct CodecSpec {
  Codec codec = Codec::unknown;
  std::uint8_t payload_type = 0;
  std::uint8_t rtx_payload_type = no_payload_type;
  std::uint32_t clock_rate = 0;  // Hz
  bool nack = false;
  bool pli = false;
  bool transport_cc = false;
  friend bool operator==(const CodecSpec&, const CodecSpec&) = default;
};

/// A transport as another worker knows it.
struct TransportPlace {
  WorkerId worker;
  TransportId transport;
  friend bool operator==(const TransportPlace&, const TransportPlace&) = default;
};

/// What control wants of one peer's association.
struct TransportSpec {
  TransportId id;
  Ufrag local_ufrag;
  IcePassword local_pwd;
  Ufrag remote_ufrag;
  DtlsRole dtls_role = DtlsRole::server;
  std::array<std::uint8_t, 32> fingerprint{};  // SHA-256 of the peer's certificate (RFC 8122)
  HeaderExtensionIds extensions;
  std::uint32_t max_receive_bitrate = 0;  // bit/s; 0 = no cap
  std::optional<TransportPlace> from;     // not built before its records came from there
  std::optional<TransportPlace> home;     // who relays to us what the peer sends
  friend bool operator==(const TransportSpec&, const TransportSpec&) = default;
};

struct DeclaredSsrc {
  std::uint8_t layer = 0;
  Ssrc ssrc;
  Ssrc rtx_ssrc;  // 0: none
  friend bool operator==(const DeclaredSsrc&, const DeclaredSsrc&) = default;
};

/// What control wants of one m-line that a peer sends.
struct PublicationSpec {
  PublicationId id;
  TransportId transport;
  MediaKind kind = MediaKind::audio;
  Mid mid;
  std::vector<CodecSpec> codecs;
  std::vector<Rid> rids;  // in control's order; ranked by the resolution seen (LayerObserver); empty = one layer
  std::vector<DeclaredSsrc> ssrcs;
  bool forward = false;
  std::uint32_t policy_epoch = 0;  // of the decision behind `forward` (shm/types/policy_mark.hpp)
  friend bool operator==(const PublicationSpec&, const PublicationSpec&) = default;
  [[nodiscard]] std::size_t layer_count() const noexcept { return rids.empty() ? 1 : rids.size(); }
};

/// What control wants of one m-line that a peer receives.
struct SubscriptionSpec {
  SubscriptionId id;
  TransportId transport;
  MediaKind kind = MediaKind::audio;
  Mid mid;
  std::vector<CodecSpec> codecs;
  Ssrc ssrc;
  Ssrc rtx_ssrc;  // 0: none
  PublicationId publication;
  bool active = false;
  std::uint8_t max_layer = any_layer;  // by rank in quality, lowest first
  std::uint32_t policy_epoch = 0;      // of the decision behind `active`
  friend bool operator==(const SubscriptionSpec&, const SubscriptionSpec&) = default;
};

/// What control tells the worker that a transport left: where it went, and what its rows are called there.
struct DepartureSpec {
  TransportId transport;
  WorkerId to_worker;
  TransportId to;
  std::vector<std::pair<PublicationId, PublicationId>> publications;  // here, there
  std::vector<std::pair<SubscriptionId, SubscriptionId>> subscriptions;
  friend bool operator==(const DepartureSpec&, const DepartureSpec&) = default;
};

/// The negotiated codec that `payload_type` belongs to, as media or as RTX.
struct CodecMatch {
  const CodecSpec* spec = nullptr;
  bool rtx = false;
};
[[nodiscard]] std::optional<CodecMatch> find_payload_type(const std::vector<CodecSpec>& codecs,
                                                          std::uint8_t payload_type) noexcept;
[[nodiscard]] const CodecSpec* find_codec(const std::vector<CodecSpec>& codecs, Codec codec) noexcept;

}  // namespace sluice
