// ICE restarts without a description (RFC 9725 section 4.3.3).
#include <algorithm>

#include "control/media/media_impl.hpp"

namespace sluice {

std::optional<Media::IceSession> Media::Impl::ice_session(const PeerId& id) const {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) return std::nullopt;
  const PeerMedia& peer = entry->second.media;
  const workers::TransportSpec* spec = plane_.transport(peer.worker, peer.transport);
  if (spec == nullptr) return std::nullopt;
  IceSession session;
  session.ufrag = spec->local_ufrag;
  session.pwd = spec->local_pwd;
  // Who was moved keeps the address that it was told first.
  if (const workers::WorkerInfo* info = plane_.info(spec->home ? spec->home->worker : peer.worker)) {
    for (const sdp::Candidate& c : sdp::host_candidates(info->announced)) {
      session.candidates.push_back(c.foundation + " " + std::to_string(c.component) + " " + c.transport + " " +
                                   std::to_string(c.priority) + " " + c.address + " " + std::to_string(c.port) + " typ " +
                                   c.type);
    }
  }
  const auto line =
      std::find_if(peer.lines.begin(), peer.lines.end(), [](const Line& each) { return each.receives || each.sends; });
  if (line != peer.lines.end()) {
    session.mid = line->mid;
    session.medium = line->kind == MediaKind::video ? "video" : "audio";
  }
  return session;
}

Result<Media::IceSession, Media::OfferError> Media::Impl::restart_ice(const PeerId& id, std::string_view ufrag,
                                                                      std::string_view pwd) {
  const auto entry = peers_.find(id);
  if (entry == peers_.end()) return unexpected(OfferError{"SFU_TRANSPORT_CLOSED", "the peer is in no room"});
  PeerMedia& peer = entry->second.media;
  const workers::TransportSpec* old = plane_.transport(peer.worker, peer.transport);
  if (old == nullptr || entry->second.live.dtls_over || entry->second.live.quarantined)
    return unexpected(OfferError{"SFU_TRANSPORT_CLOSED", "the media session is over"});
  if (peer.remote_ufrag != ufrag || peer.remote_pwd != pwd) {
    workers::TransportSpec spec = *old;
    spec.remote_ufrag = ufrag;
    spec.local_ufrag = random_text(media::ufrag_characters);
    spec.local_pwd = random_text(media::pwd_characters);
    plane_.update_transport(peer.worker, peer.transport, std::move(spec));
    peer.remote_ufrag = ufrag;
    peer.remote_pwd = pwd;
    store(id);
  }
  return *ice_session(id);
}

}  // namespace sluice
