#include "control/sdp/answerer.hpp"

#include <algorithm>

namespace sluice::sdp {
namespace {

Direction direction_of(const NegotiatedLine& line) {
  if (line.sends) return line.receives ? Direction::sendrecv : Direction::sendonly;
  return line.receives ? Direction::recvonly : Direction::inactive;
}

Extension answered(Extension extension) {
  if (extension.direction == Direction::sendonly) {
    extension.direction = Direction::recvonly;
  } else if (extension.direction == Direction::recvonly) {
    extension.direction = Direction::sendonly;
  }
  return extension;
}

// What the offerer wants of Opus is what others are to send it, and what it sends is as good as that.
std::optional<std::string> opus_parameters(const Format& offered, const Capabilities& capabilities) {
  std::string parameters = offered.parameters.value_or("");
  if (capabilities.opus_dtx && parameters.find("usedtx=") == std::string::npos)
    parameters += parameters.empty() ? "usedtx=1" : ";usedtx=1";
  if (parameters.empty()) return std::nullopt;
  return parameters;
}

void add_codec(const MediaDescription& offered, const NegotiatedCodec& codec, const Capabilities& capabilities,
               MediaDescription& out) {
  const Format* original = offered.find_format(codec.payload_type);
  Format format;
  format.payload_type = codec.payload_type;
  format.encoding = original->encoding;
  format.clock_rate = original->clock_rate;
  format.channels = original->channels;
  if (codec.codec == Codec::opus) format.parameters = opus_parameters(*original, capabilities);
  if (codec.transport_cc) format.feedback.emplace_back("transport-cc");
  if (codec.fir) format.feedback.emplace_back("ccm fir");
  if (codec.nack) format.feedback.emplace_back("nack");
  if (codec.pli) format.feedback.emplace_back("nack pli");
  out.formats.push_back(std::move(format));
  if (!codec.rtx_payload_type) return;
  Format rtx;
  rtx.payload_type = *codec.rtx_payload_type;
  rtx.encoding = "rtx";
  rtx.clock_rate = codec.clock_rate;
  rtx.parameters = "apt=" + std::to_string(codec.payload_type);
  out.formats.push_back(std::move(rtx));
}

MediaDescription rejected(const MediaDescription& offered) {
  MediaDescription out;
  out.medium = offered.medium;
  out.medium_text = offered.medium_text;
  out.port = 0;
  out.protocol = offered.protocol;
  out.format_text = offered.format_text;
  for (const Format& format : offered.formats) {
    Format bare;
    bare.payload_type = format.payload_type;
    out.formats.push_back(std::move(bare));
  }
  out.mid = offered.mid;
  out.direction = Direction::inactive;
  return out;
}

void add_sending(const NegotiatedLine& line, const LocalTransport& local, const SendingLine& sending,
                 MediaDescription& out) {
  out.msids.push_back({sending.stream.empty() ? "-" : sending.stream, sending.track});
  const bool rtx =
      sending.rtx_ssrc.value != 0 && std::any_of(line.codecs.begin(), line.codecs.end(),
                                                 [](const NegotiatedCodec& c) { return c.rtx_payload_type.has_value(); });
  if (rtx) out.ssrc_groups.push_back({"FID", {sending.ssrc, sending.rtx_ssrc}});
  out.ssrcs.push_back({sending.ssrc, local.cname});
  if (rtx) out.ssrcs.push_back({sending.rtx_ssrc, local.cname});
}

MediaDescription accepted(const MediaDescription& offered, const NegotiatedLine& line, const Negotiation& negotiation,
                          const Capabilities& capabilities, const LocalTransport& local, const SendingLine& sending) {
  MediaDescription out;
  out.medium = offered.medium;
  out.medium_text = offered.medium_text;
  out.protocol = offered.protocol;
  out.mid = line.mid;
  out.transport.ice_ufrag = local.ice_ufrag;
  out.transport.ice_pwd = local.ice_pwd;
  out.transport.ice_options = "ice2";
  out.transport.fingerprints.push_back({"sha-256", {local.fingerprint.begin(), local.fingerprint.end()}});
  out.transport.setup = negotiation.setup;
  out.direction = direction_of(line);
  out.rtcp_mux = true;
  out.rtcp_reduced_size = offered.rtcp_reduced_size;
  for (const Extension& extension : line.extensions) out.extensions.push_back(answered(extension));
  for (const NegotiatedCodec& codec : line.codecs) add_codec(offered, codec, capabilities, out);
  if (!line.rids.empty()) {
    // Chromium sends only its first encoding unless both lines are repeated.
    out.simulcast.emplace();
    for (const std::string& rid : line.rids) {
      out.rids.push_back({rid, RidDescription::Direction::recv, {}});
      out.simulcast->recv.push_back({rid, false});
    }
  }
  if (line.sends) add_sending(line, local, sending, out);
  return out;
}

}  // namespace

std::vector<Candidate> host_candidates(const std::vector<SocketAddress>& addresses) {
  constexpr std::uint32_t host_preference = 126;
  constexpr std::uint32_t component = 1;
  std::vector<Candidate> candidates;
  std::uint32_t local_preference = 65535;
  for (const SocketAddress& address : addresses) {
    Candidate candidate;
    candidate.foundation = std::to_string(candidates.size() + 1);  // each address is a base of its own
    candidate.component = component;
    candidate.transport = "udp";
    candidate.priority = (host_preference << 24U) + (local_preference << 8U) + (256 - component);
    candidate.address = address.ip_to_string();
    candidate.port = address.port;
    candidate.type = "host";
    candidates.push_back(std::move(candidate));
    if (local_preference > 0) --local_preference;
  }
  return candidates;
}

SessionDescription make_answer(const SessionDescription& offer, const Negotiation& negotiation,
                               const Capabilities& capabilities, const LocalTransport& local,
                               const std::vector<SendingLine>& sending) {
  SessionDescription answer;
  answer.session_id = local.session_id;
  answer.session_version = local.session_version;
  answer.ice_lite = true;
  // Not repeated: extmap-allow-mixed. All ids that we take fit the one-byte form, so mixing forms would gain nothing.
  Group bundle{"BUNDLE", {}};
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const NegotiatedLine& line = negotiation.lines[i];
    if (!line.accepted) {
      answer.media.push_back(rejected(offer.media[i]));
      continue;
    }
    answer.media.push_back(accepted(offer.media[i], line, negotiation, capabilities, local, sending[i]));
    if (bundle.mids.empty()) {
      answer.media.back().candidates = host_candidates(local.addresses);
      answer.media.back().end_of_candidates = true;
    }
    bundle.mids.push_back(line.mid);
  }
  if (!bundle.mids.empty()) answer.groups.push_back(std::move(bundle));
  return answer;
}

}  // namespace sluice::sdp
