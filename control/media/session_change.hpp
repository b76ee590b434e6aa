#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/media/media_model.hpp"
#include "control/sdp/description.hpp"
#include "control/sdp/negotiation.hpp"

namespace sluice::media {

enum class SessionChange : std::uint8_t {
  none,         // the same transport goes on
  ice_restart,  // new credentials, same DTLS association (RFC 8445 section 9)
  new_session,  // another RTCPeerConnection: everything starts anew
};

/// What an offer is to the session that the peer has. Another certificate or tls-id means another session (RFC 8842 section
/// 4). Some clients share one certificate between their RTCPeerConnections (werift always, browsers on request) and write
/// no tls-id, so with the same certificate new credentials are a new session when the o= line changed too and no SSRC
/// of the offer before is declared again (aiortc and werift write another o= session id into each offer).
[[nodiscard]] SessionChange session_change(const PeerMedia& peer, const sdp::SessionDescription& offer,
                                           const sdp::Negotiation& negotiation);

/// Why an offer cannot continue the peer's session (RFC 3264 section 8: m-lines stay in place; a stopped one may be
/// recycled). Nothing when it can.
[[nodiscard]] std::optional<std::string> broken_continuity(const PeerMedia& peer, const sdp::SessionDescription& offer,
                                                           const sdp::Negotiation& negotiation);

/// User name and session id of the o= line, which name a session (RFC 8866 section 5.2).
[[nodiscard]] std::string origin_of(const sdp::SessionDescription& offer);
/// All SSRCs that an offer declares.
[[nodiscard]] std::vector<std::uint32_t> declared_ssrcs(const sdp::SessionDescription& offer);

}  // namespace sluice::media
