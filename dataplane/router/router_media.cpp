// The half of the router that media passes through.
#include <algorithm>
#include <array>

#include "dataplane/packet/rtx.hpp"
#include "dataplane/router/router.hpp"

namespace sluice {

void Router::handle_rtp(TimePoint now, Transport& from, MutableBytes bytes) noexcept {
  const auto packet = RtpPacket::parse(bytes);
  if (!packet) {
    return counters_.add(packet.error() == RtpError::bad_extension ? Counter::drop_extension_parse
                                                                   : Counter::drop_rtp_parse);
  }
  // Every packet of the transport counts for congestion control, whatever it carries.
  if (const auto number = parse_transport_sequence_number(packet->extension(from.spec().extensions.transport_wide_cc))) {
    from.feedback().on_packet(now, SequenceNumber{*number});
  }
  const SsrcBinding* binding = from.ssrcs().find(packet->ssrc());
  if (binding == nullptr) {
    binding = bind(from, *packet);
    if (binding == nullptr) return;
  }
  Publication* publication = publications_[binding->publication_slot].get();
  if (publication == nullptr || binding->layer >= publication->layer_count())
    return counters_.add(Counter::drop_not_published);
  const auto codec = find_payload_type(publication->spec().codecs, packet->payload_type().value);
  if (!codec || codec->rtx != (binding->role == StreamRole::rtx)) return counters_.add(Counter::drop_codec);
  if (codec->rtx) {
    repair(now, *publication, binding->layer, *packet, *codec->spec);
  } else {
    forward(now, *publication, binding->layer, *packet, *codec->spec, false);
  }
}

Publication* Router::publication_of(Transport& from, const RtpPacket& packet) noexcept {
  const std::vector<Publication*>& candidates = streams_of(from).publications;
  const HeaderExtensionIds& ids = from.spec().extensions;
  if (const auto mid = parse_sdes_text(packet.extension(ids.mid))) {
    for (Publication* publication : candidates) {
      if (publication->spec().mid.view() == *mid) return publication;
    }
    return nullptr;
  }
  // Without a mid, a payload type of one m-line only tells as well (RFC 9143 section 9.2).
  Publication* only = nullptr;
  for (Publication* publication : candidates) {
    if (!find_payload_type(publication->spec().codecs, packet.payload_type().value)) continue;
    if (only != nullptr) return nullptr;
    only = publication;
  }
  return only;
}

const SsrcBinding* Router::bind(Transport& from, const RtpPacket& packet) noexcept {
  Publication* publication = publication_of(from, packet);
  if (publication == nullptr) {
    counters_.add(parse_sdes_text(packet.extension(from.spec().extensions.mid)) ? Counter::drop_not_published
                                                                                : Counter::drop_srtp_unknown_ssrc);
    return nullptr;
  }
  const auto codec = find_payload_type(publication->spec().codecs, packet.payload_type().value);
  if (!codec) {
    counters_.add(Counter::drop_codec);
    return nullptr;
  }
  const HeaderExtensionIds& ids = from.spec().extensions;
  const auto label = parse_sdes_text(packet.extension(codec->rtx ? ids.repaired_rid : ids.rid));
  std::optional<std::uint8_t> layer;
  if (publication->spec().rids.empty()) {
    layer = std::uint8_t{0};
  } else if (label) {
    layer = publication->layer_of(*label);
  }
  if (!layer) {
    counters_.add(Counter::drop_srtp_unknown_ssrc);
    return nullptr;
  }
  return codec->rtx ? bind_rtx(from, *publication, *layer, packet.ssrc())
                    : bind_media(from, *publication, *layer, packet.ssrc());
}

const SsrcBinding* Router::bind_media(Transport& from, Publication& publication, std::uint8_t layer, Ssrc ssrc) noexcept {
  IncomingLayer& in = publication.layer(layer);
  const Ssrc before = in.ssrc();
  if (before != Ssrc{}) {
    const SsrcBinding* old = from.ssrcs().find(before);
    if (old != nullptr && old->origin == BindingOrigin::declared) {
      counters_.add(Counter::drop_ssrc_conflict);
      return nullptr;
    }
  }
  if (const auto bound = from.ssrcs().bind(ssrc, publication.id(), layer, StreamRole::media, BindingOrigin::learned);
      !bound) {
    counters_.add(bound.error() == BindError::table_full ? Counter::drop_ssrc_limit : Counter::drop_ssrc_conflict);
    return nullptr;
  }
  if (before != Ssrc{}) {  // the encoder began anew under another SSRC
    from.ssrcs().release(before);
    from.receiver().retire(before);
  }
  if (in.set_ssrc(ssrc) && before != Ssrc{}) {
    for (Subscription* subscription : publication.subscribers()) subscription->forget_layer(layer);
  }
  return from.ssrcs().find(ssrc);
}

const SsrcBinding* Router::bind_rtx(Transport& from, Publication& publication, std::uint8_t layer, Ssrc ssrc) noexcept {
  IncomingLayer& in = publication.layer(layer);
  const Ssrc before = in.rtx_ssrc();
  const SsrcBinding* old = before != Ssrc{} ? from.ssrcs().find(before) : nullptr;
  if (old != nullptr && old->origin == BindingOrigin::declared) {
    counters_.add(Counter::drop_ssrc_conflict);
    return nullptr;
  }
  if (const auto bound = from.ssrcs().bind(ssrc, publication.id(), layer, StreamRole::rtx, BindingOrigin::learned); !bound) {
    counters_.add(bound.error() == BindError::table_full ? Counter::drop_ssrc_limit : Counter::drop_ssrc_conflict);
    return nullptr;
  }
  if (old != nullptr) {
    from.ssrcs().release(before);
    from.receiver().retire(before);
  }
  in.set_rtx_ssrc(ssrc);
  return from.ssrcs().find(ssrc);
}

void Router::repair(TimePoint now, Publication& publication, std::uint8_t layer, const RtpPacket& packet,
                    const CodecSpec& codec) noexcept {
  if (packet.payload_size() == 0) return counters_.add(Counter::padding_consumed);  // a probe of the publisher's estimator
  const Ssrc ssrc = publication.layer(layer).ssrc();
  if (ssrc == Ssrc{} || !publication.layer(layer).statistics().started()) return counters_.add(Counter::drop_rtx_unusable);
  const auto size = rtx_decapsulate(packet, ssrc, PayloadType{codec.payload_type});
  if (!size) return counters_.add(Counter::drop_rtx_unusable);
  const auto original = RtpPacket::parse(packet.bytes().first(*size));
  if (!original) return counters_.add(Counter::drop_rtp_parse);
  forward(now, publication, layer, *original, codec, true);
}

void Router::forward(TimePoint now, Publication& publication, std::uint8_t layer, const RtpPacket& packet,
                     const CodecSpec& codec, bool repaired) noexcept {
  IncomingLayer& in = publication.layer(layer);
  const auto media = in.receive(now, packet, codec, publication.sender().spec().extensions, repaired);
  if (!media) return counters_.add(Counter::drop_duplicate);
  publication.set_codec(codec.payload_type);
  if (media->payload.empty()) {
    counters_.add(Counter::padding_consumed);
    for (Subscription* subscription : publication.subscribers()) subscription->on_padding(now, *media);
    return;
  }
  const bool first = !publication.observer().layer(layer).seen;
  publication.observer().on_packet(now, {.layer = layer,
                                         .rtp_timestamp = media->facts.rtp_timestamp,
                                         .size = packet.size(),
                                         .frame_start = media->frame_start,
                                         .key_frame = media->key_frame,
                                         .width = media->vp8 ? media->vp8->width : std::uint16_t{0},
                                         .height = media->vp8 ? media->vp8->height : std::uint16_t{0}});
  if (!publication.spec().forward) {
    counters_.add(Counter::drop_policy_denied);
  } else {
    if (media->facts.audio_level != PacketFacts::none) publication.hear(media->facts.audio_level);
    // How many subscribers ahead each step of prefetching goes: far enough for memory to answer, near enough to stay.
    constexpr std::size_t own_ahead = 6;
    constexpr std::size_t parts_ahead = 4;
    constexpr std::size_t places_ahead = 2;
    const std::vector<Subscription*>& subscribers = publication.subscribers();
    const std::size_t count = subscribers.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (i + own_ahead < count) subscribers[i + own_ahead]->prefetch_own();
      if (i + parts_ahead < count) subscribers[i + parts_ahead]->prefetch_parts();
      if (i + places_ahead < count) subscribers[i + places_ahead]->prefetch_places();
      Subscription* subscription = subscribers[i];
      subscription->on_packet(now, *media);
      if (subscription->take_began()) wake(subscription->receiver().id().slot);  // tell of it; its first sender report
    }
  }
  if (first || publication.observer().take_changed()) refresh_key_frames(now, publication);
}

void Router::refresh_key_frames(TimePoint now, Publication& publication) noexcept {
  if (publication.spec().kind != MediaKind::video) return;
  std::array<bool, layers_max> wanted{};
  for (const Subscription* subscription : publication.subscribers()) {
    if (const auto layer = subscription->key_frame_wanted(now); layer && *layer < layers_max) wanted[*layer] = true;
  }
  for (std::uint8_t i = 0; i < publication.layer_count(); ++i) {
    KeyFrameRequester& requester = publication.layer(i).key_frames();
    if (!publication.observer().alive(i)) {
      requester.cancel();  // nobody would hear it
    } else if (wanted[i] && !requester.wanted()) {
      requester.want(now);
      wake(publication.sender().id().slot);
    }
  }
}

}  // namespace sluice
