#include "control/sdp/negotiation.hpp"

#include <algorithm>
#include <unordered_set>

#include "control/sdp/text_cursor.hpp"
#include "shm/types/fixed_text.hpp"

namespace sluice::sdp {
namespace {

constexpr std::array<std::string_view, extension_kinds> extension_uris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
};
// Ids that fit the one-byte header form (RFC 8285 section 4.2). Browsers stay within them for what we take.
constexpr std::uint16_t extension_id_max = 14;
// A one-byte header element carries at most 16 bytes.
constexpr std::size_t name_bytes_max = 16;

struct CodecName {
  Codec codec;
  MediaKind kind;
  std::string_view encoding;
  std::uint32_t clock_rate;
  std::uint32_t channels;  // 0: any
};
constexpr std::array codec_names = {
    CodecName{Codec::opus, MediaKind::audio, "opus", 48000, 2},
    CodecName{Codec::vp8, MediaKind::video, "VP8", 90000, 0},
};

tl::unexpected<NegotiationError> error(std::string message) {
  return tl::unexpected(NegotiationError{std::move(message)});
}

// RFC 5761 section 4: with rtcp-mux these payload types look like RTCP.
bool usable(std::uint8_t payload_type) {
  return payload_type < 64 || payload_type > 95;
}

bool has_feedback(const MediaDescription& media, const Format& format, std::string_view type) {
  const auto is = [&](const std::string& t) { return t == type; };
  return std::any_of(format.feedback.begin(), format.feedback.end(), is) ||
         std::any_of(media.feedback_for_all.begin(), media.feedback_for_all.end(), is);
}

// The value of "apt=" in an a=fmtp of RTX (RFC 4588 section 8.1).
std::optional<std::uint8_t> associated_payload_type(const Format& format) {
  if (!format.parameters) return std::nullopt;
  TextCursor cursor(*format.parameters);
  while (!cursor.done()) {
    std::string_view parameter = cursor.until(';');
    while (parameter.starts_with(' ')) parameter.remove_prefix(1);
    while (parameter.ends_with(' ')) parameter.remove_suffix(1);
    if (parameter.starts_with("apt=")) return number<std::uint8_t>(parameter.substr(4));
  }
  return std::nullopt;
}

const CodecName* name_of(const Format& format, MediaKind kind, const Capabilities& capabilities) {
  for (const CodecName& name : codec_names) {
    if (name.kind != kind || name.clock_rate != format.clock_rate || !equal_ignoring_case(name.encoding, format.encoding))
      continue;
    if (name.channels != 0 && name.channels != format.channels) continue;
    if (std::find(capabilities.codecs.begin(), capabilities.codecs.end(), name.codec) == capabilities.codecs.end()) continue;
    return &name;
  }
  return nullptr;
}

std::vector<NegotiatedCodec> choose_codecs(const MediaDescription& media, MediaKind kind, const Capabilities& capabilities) {
  std::array<std::optional<std::uint8_t>, 256> rtx_of;
  for (const Format& format : media.formats) {
    if (!usable(format.payload_type) || !equal_ignoring_case(format.encoding, "rtx")) continue;
    if (const auto apt = associated_payload_type(format); apt && !rtx_of[*apt]) rtx_of[*apt] = format.payload_type;
  }
  std::vector<NegotiatedCodec> codecs;
  for (const Format& format : media.formats) {
    const CodecName* name = name_of(format, kind, capabilities);
    if (name == nullptr || !usable(format.payload_type)) continue;
    if (std::any_of(codecs.begin(), codecs.end(), [&](const NegotiatedCodec& c) { return c.codec == name->codec; }))
      continue;
    NegotiatedCodec codec;
    codec.codec = name->codec;
    codec.payload_type = format.payload_type;
    codec.clock_rate = format.clock_rate;
    codec.transport_cc = has_feedback(media, format, "transport-cc");
    if (kind == MediaKind::video) {
      codec.rtx_payload_type = rtx_of[format.payload_type];
      codec.nack = codec.rtx_payload_type.has_value() && has_feedback(media, format, "nack");
      codec.pli = has_feedback(media, format, "nack pli");
      codec.fir = has_feedback(media, format, "ccm fir");
    }
    codecs.push_back(codec);
  }
  return codecs;
}

std::optional<ExtensionKind> kind_of(std::string_view uri) {
  for (std::size_t i = 0; i < extension_uris.size(); ++i)
    if (extension_uris[i] == uri) return static_cast<ExtensionKind>(i);
  return std::nullopt;
}

// All m-lines share one transport, so an id must mean the same on each (RFC 9143 section 9.1). werift numbers audio and
// video apart; video comes first then, because simulcast is lost without its mid and rid, while audio names its SSRC.
void choose_extensions(const SessionDescription& offer, Negotiation& out) {
  for (const MediaKind turn : {MediaKind::video, MediaKind::audio}) {
    for (std::size_t i = 0; i < out.lines.size(); ++i) {
      NegotiatedLine& line = out.lines[i];
      if (!line.accepted || line.kind != turn) continue;
      std::array<bool, extension_kinds> seen{};
      const auto take = [&](const Extension& extension) {
        const auto kind = kind_of(extension.uri);
        if (!kind || extension.id > extension_id_max || extension.direction == Direction::inactive) return;
        const auto index = static_cast<std::size_t>(*kind);
        if (std::exchange(seen[index], true)) return;
        const auto id = static_cast<std::uint8_t>(extension.id);
        std::uint8_t& agreed = out.extension_ids[index];
        const bool id_taken = std::find(out.extension_ids.begin(), out.extension_ids.end(), id) != out.extension_ids.end();
        if (agreed == 0 && !id_taken) agreed = id;
        if (agreed == id) line.extensions.push_back(extension);
      };
      for (const Extension& extension : offer.media[i].extensions) take(extension);
      for (const Extension& extension : offer.extensions) take(extension);
    }
  }
}

bool has_extension(const NegotiatedLine& line, ExtensionKind kind) {
  return std::any_of(line.extensions.begin(), line.extensions.end(),
                     [&](const Extension& e) { return e.uri == uri_of(kind); });
}

std::vector<std::string> choose_rids(const MediaDescription& media, const NegotiatedLine& line) {
  if (!line.receives || line.kind != MediaKind::video || !media.simulcast) return {};
  if (!has_extension(line, ExtensionKind::rid) || !has_extension(line, ExtensionKind::mid)) return {};
  std::vector<std::string> rids;
  for (const SimulcastStream& stream : media.simulcast->send) {
    const bool described = std::any_of(media.rids.begin(), media.rids.end(), [&](const RidDescription& r) {
      return r.id == stream.rid && r.direction == RidDescription::Direction::send;
    });
    const bool repeated = std::find(rids.begin(), rids.end(), stream.rid) != rids.end();
    if (described && !repeated && stream.rid.size() <= name_bytes_max) rids.push_back(stream.rid);
  }
  return rids;
}

std::optional<NegotiatedSsrc> declared_ssrc(const MediaDescription& media, const NegotiatedLine& line) {
  if (!line.receives || !line.rids.empty() || media.ssrcs.empty()) return std::nullopt;
  NegotiatedSsrc result{media.ssrcs.front().ssrc, {}};
  for (const SsrcGroup& group : media.ssrc_groups) {
    if (group.semantics != "FID" || group.ssrcs.size() != 2) continue;
    result = {group.ssrcs[0], group.ssrcs[1]};
    break;
  }
  if (result.ssrc.value == 0 || result.ssrc == result.rtx_ssrc) return std::nullopt;
  return result;
}

NegotiatedLine choose_line(const SessionDescription& offer, const MediaDescription& media,
                           const std::unordered_set<std::string_view>& bundle, const Capabilities& capabilities) {
  NegotiatedLine line;
  line.kind = media.medium == Medium::video ? MediaKind::video : MediaKind::audio;
  line.mid = media.mid.value_or("");
  const bool stopped = media.port == 0 && !media.bundle_only;
  if (stopped || !media.is_secure_rtp() || !media.rtcp_mux || line.mid.empty() || line.mid.size() > name_bytes_max)
    return line;
  if (!bundle.contains(line.mid)) return line;
  line.codecs = choose_codecs(media, line.kind, capabilities);
  if (line.codecs.empty()) return line;
  line.accepted = true;
  const Direction direction = media.direction.value_or(offer.direction.value_or(Direction::sendrecv));
  line.receives = direction == Direction::sendrecv || direction == Direction::sendonly;
  line.sends = direction == Direction::sendrecv || direction == Direction::recvonly;
  return line;
}

/// Where the bundle's transport attributes stand, most telling first: the first accepted m-line of the group, the first of
/// the group whatever became of it (bundle-only m-lines carry none, RFC 9143 section 7.2), the session.
std::vector<const TransportAttributes*> transport_sources(const SessionDescription& offer, const Group& bundle,
                                                          const Negotiation& out) {
  std::vector<const TransportAttributes*> sources;
  const auto media_of = [&](const std::string& mid) {
    return std::find_if(offer.media.begin(), offer.media.end(), [&](const MediaDescription& m) { return m.mid == mid; });
  };
  for (const std::string& mid : bundle.mids) {
    const auto media = media_of(mid);
    if (media == offer.media.end() || !out.lines[static_cast<std::size_t>(media - offer.media.begin())].accepted) continue;
    sources.push_back(&media->transport);
    break;
  }
  if (const auto first = media_of(bundle.mids.front()); first != offer.media.end()) sources.push_back(&first->transport);
  sources.push_back(&offer.transport);
  return sources;
}

std::optional<NegotiationError> choose_transport(const SessionDescription& offer, const Group& bundle, Negotiation& out) {
  const auto fail = [](std::string message) { return NegotiationError{std::move(message)}; };
  const auto sources = transport_sources(offer, bundle, out);
  const auto first = [&](auto member) {
    for (const TransportAttributes* source : sources)
      if (source->*member) return source->*member;
    return std::remove_reference_t<decltype(sources.front()->*member)>{};
  };
  if (offer.ice_lite) return fail("both sides are ICE-lite, so nobody would check (RFC 8445 section 2.5)");
  out.remote_ufrag = first(&TransportAttributes::ice_ufrag).value_or("");
  out.remote_pwd = first(&TransportAttributes::ice_pwd).value_or("");
  if (out.remote_ufrag.size() < 4 || out.remote_ufrag.size() > 255)
    return fail("a=ice-ufrag of 4 to 255 characters is missing");
  if (out.remote_pwd.size() < 22 || out.remote_pwd.size() > 255) return fail("a=ice-pwd of 22 to 255 characters is missing");
  const Setup setup = first(&TransportAttributes::setup).value_or(Setup::active);  // RFC 4145 section 4.1
  if (setup == Setup::holdconn) return fail("a=setup:holdconn cannot be connected");
  out.setup = setup == Setup::passive ? Setup::active : Setup::passive;
  out.tls_id = first(&TransportAttributes::tls_id).value_or("");
  for (const TransportAttributes* source : sources) {
    if (source->fingerprints.empty()) continue;
    for (const Fingerprint& fingerprint : source->fingerprints) {
      if (fingerprint.algorithm != "sha-256" || fingerprint.value.size() != out.fingerprint.size()) continue;
      std::copy(fingerprint.value.begin(), fingerprint.value.end(), out.fingerprint.begin());
      return std::nullopt;
    }
    return fail("a=fingerprint:sha-256 is missing: no other hash is taken");
  }
  return fail("a=fingerprint is missing");
}

}  // namespace

std::string_view uri_of(ExtensionKind kind) noexcept {
  return extension_uris[static_cast<std::size_t>(kind)];
}

bool Negotiation::has_transport() const {
  return std::any_of(lines.begin(), lines.end(), [](const NegotiatedLine& line) { return line.accepted; });
}

Result<Negotiation, NegotiationError> negotiate(const SessionDescription& offer, const Capabilities& capabilities) {
  if (offer.media.empty()) return error("the offer has no m-line");
  const auto bundle = std::find_if(offer.groups.begin(), offer.groups.end(),
                                   [](const Group& g) { return g.semantics == "BUNDLE" && !g.mids.empty(); });
  if (bundle == offer.groups.end()) return error("a=group:BUNDLE is missing: all media must share one transport");
  const std::unordered_set<std::string_view> bundled(bundle->mids.begin(), bundle->mids.end());
  Negotiation out;
  out.lines.reserve(offer.media.size());
  for (const MediaDescription& media : offer.media) out.lines.push_back(choose_line(offer, media, bundled, capabilities));
  if (!out.has_transport()) return out;
  if (const auto failed = choose_transport(offer, *bundle, out)) return tl::unexpected(*failed);
  choose_extensions(offer, out);
  for (std::size_t i = 0; i < out.lines.size(); ++i) {
    NegotiatedLine& line = out.lines[i];
    if (!line.accepted) continue;
    line.rids = choose_rids(offer.media[i], line);
    line.declared_ssrc = declared_ssrc(offer.media[i], line);
  }
  return out;
}

}  // namespace sluice::sdp
