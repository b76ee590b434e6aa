#include "control/signaling/whip/whip_offer.hpp"

#include <algorithm>

#include "control/sdp/parser.hpp"
#include "control/sdp/writer.hpp"

namespace sluice::whip {

namespace {

/// What only a sender says is dropped from an m-line that is to receive.
void forget_sending(sdp::MediaDescription& media) {
  media.msids.clear();
  media.ssrcs.clear();
  media.ssrc_groups.clear();
  media.rids.clear();
  media.simulcast.reset();
}

}  // namespace

Result<PreparedOffer, Failure> prepare_offer(Role role, std::string_view text) {
  auto offer = sdp::parse(text);
  if (!offer)
    return unexpected(Failure{offer.error().reason == sdp::ParseReason::too_long ? 413 : 400, offer.error().message()});
  if (offer->media.empty()) return unexpected(Failure{400, "the offer has no m-line"});
  const bool sends = role == Role::publish;
  const sdp::Direction own = sends ? sdp::Direction::sendonly : sdp::Direction::recvonly;
  PreparedOffer prepared;
  for (std::size_t i = 0; i < offer->media.size(); ++i) {
    sdp::MediaDescription& media = offer->media[i];
    const std::string place = "m-line " + std::to_string(i);
    if (media.medium != sdp::Medium::audio && media.medium != sdp::Medium::video)
      return unexpected(Failure{422, place + " is neither audio nor video"});
    const sdp::Direction direction = media.direction.value_or(offer->direction.value_or(sdp::Direction::sendrecv));
    if (direction != own && direction != sdp::Direction::sendrecv) {
      return unexpected(Failure{422, place + (sends ? " does not send: use sendonly" : " does not receive: use recvonly")});
    }
    if (media.port == 0 && !media.bundle_only) return unexpected(Failure{422, place + " is stopped"});
    if (!media.mid) return unexpected(Failure{400, place + " has no a=mid"});
    const MediaKind kind = media.medium == sdp::Medium::video ? MediaKind::video : MediaKind::audio;
    if (std::any_of(prepared.lines.begin(), prepared.lines.end(), [&](const OfferedLine& l) { return l.kind == kind; }))
      return unexpected(Failure{422, place + " is a second one of its kind: one audio and one video are served"});
    OfferedLine line{kind, *media.mid, {}, {}};
    if (!media.msids.empty()) line.track = media.msids.front().track;
    if (media.simulcast) {
      for (const sdp::SimulcastStream& stream : media.simulcast->send) line.rids.push_back(stream.rid);
    }
    media.direction = own;
    if (!sends) forget_sending(media);
    prepared.lines.push_back(std::move(line));
  }
  prepared.sdp = sdp::write(*offer);
  return prepared;
}

Result<void, Failure> check_answer(std::string_view text) {
  const auto answer = sdp::parse(text);
  if (!answer) return unexpected(Failure{500, "the answer could not be made"});
  for (std::size_t i = 0; i < answer->media.size(); ++i) {
    if (answer->media[i].port == 0)
      return unexpected(Failure{422, "m-line " + std::to_string(i) + " has no codec or transport that this server knows"});
  }
  return {};
}

}  // namespace sluice::whip
