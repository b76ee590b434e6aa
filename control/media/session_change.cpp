#include "control/media/session_change.hpp"

#include <algorithm>
#include <unordered_set>

namespace sluice::media {

std::string origin_of(const sdp::SessionDescription& offer) {
  return offer.username + ' ' + std::to_string(offer.session_id);
}

std::vector<std::uint32_t> declared_ssrcs(const sdp::SessionDescription& offer) {
  std::vector<std::uint32_t> result;
  for (const sdp::MediaDescription& media : offer.media)
    for (const sdp::SsrcAttributes& ssrc : media.ssrcs) result.push_back(ssrc.ssrc.value);
  return result;
}

SessionChange session_change(const PeerMedia& peer, const sdp::SessionDescription& offer,
                             const sdp::Negotiation& negotiation) {
  if (peer.fingerprint != negotiation.fingerprint || peer.tls_id != negotiation.tls_id) return SessionChange::new_session;
  if (peer.remote_ufrag == negotiation.remote_ufrag && peer.remote_pwd == negotiation.remote_pwd) return SessionChange::none;
  if (peer.origin == origin_of(offer)) return SessionChange::ice_restart;
  const std::vector<std::uint32_t> declared = declared_ssrcs(offer);
  const std::unordered_set<std::uint32_t> before(peer.remote_ssrcs.begin(), peer.remote_ssrcs.end());
  const bool known =
      std::any_of(declared.begin(), declared.end(), [&](std::uint32_t ssrc) { return before.contains(ssrc); });
  return known ? SessionChange::ice_restart : SessionChange::new_session;
}

std::optional<std::string> broken_continuity(const PeerMedia& peer, const sdp::SessionDescription& offer,
                                             const sdp::Negotiation& negotiation) {
  if (offer.media.size() < peer.lines.size())
    return "an m-line of the offer before is missing: m-lines are stopped, never removed";
  for (std::size_t i = 0; i < peer.lines.size(); ++i) {
    const Line& line = peer.lines[i];
    const sdp::NegotiatedLine& next = negotiation.lines[i];
    if (!next.accepted || line.mid.empty()) continue;
    if (line.mid == next.mid) {
      if (line.kind != next.kind) return "mid '" + line.mid + "' changed between audio and video";
      continue;
    }
    // Another mid in this place is a recycled m-line, which must have been stopped (RFC 9429 section 5.2.2).
    if (line.receives || line.sends) return "m-line " + std::to_string(i) + " was mid '" + line.mid + "' and is in use";
  }
  return std::nullopt;
}

}  // namespace sluice::media
