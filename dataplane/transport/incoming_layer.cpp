#include "dataplane/transport/incoming_layer.hpp"

#include <algorithm>

namespace sluice {

void IncomingPacket::describe_payload() noexcept {
  if (codec == Codec::vp8) {
    vp8 = Vp8Descriptor::parse(payload);
    frame_start = vp8 && vp8->start_of_frame();
    key_frame = vp8 && vp8->key_frame;
  } else {
    // Audio, and codecs without a parser: every packet may be the first one that a receiver gets.
    frame_start = true;
    key_frame = true;
  }
}

IncomingLayer::IncomingLayer(LayerRecord& record, PublicationId publication, std::uint8_t layer, std::uint32_t clock_rate,
                             const PublisherClock& clock, const PacketCacheConfig& cache)
    : record_(record),
      publication_(publication),
      layer_(layer),
      statistics_(record.statistics, clock_rate),
      cache_(cache),
      key_frames_(record.key_frames),
      clock_(record.clock, clock, clock_rate) {
  if (statistics_.started()) nack_.resume(statistics_.highest());
}

bool IncomingLayer::set_ssrc(Ssrc ssrc) noexcept {
  if (record_.ssrc == ssrc.value) return false;
  const bool before = record_.ssrc != 0;
  record_.ssrc = ssrc.value;
  if (!before) return true;
  record_.statistics = {};
  record_.clock = {};
  nack_.reset();
  cache_.clear();
  return true;
}

std::optional<IncomingPacket> IncomingLayer::receive(TimePoint now, const RtpPacket& packet, const CodecSpec& codec,
                                                     const HeaderExtensionIds& ids, bool repaired) noexcept {
  const Arrival arrival = repaired ? statistics_.on_repair(packet.sequence_number())
                                   : statistics_.on_packet(now, packet.sequence_number(), packet.timestamp(), packet.size());
  if (!arrival.usable()) return std::nullopt;
  if (arrival.kind == ArrivalKind::resynced) nack_.reset();
  nack_.on_packet(now, arrival.sequence);

  IncomingPacket in;
  in.source = source();
  in.sequence = arrival.sequence;
  in.codec = codec.codec;
  in.facts.rtp_timestamp = packet.timestamp();
  in.facts.payload_type = packet.payload_type();
  in.facts.marker = packet.marker();
  if (const Bytes level = packet.extension(ids.audio_level); level.size() == 1) {
    in.facts.audio_level = std::to_integer<std::uint8_t>(level[0]);
  }
  if (const Bytes orientation = packet.extension(ids.video_orientation); orientation.size() == 1) {
    in.facts.video_orientation = std::to_integer<std::uint8_t>(orientation[0]);
  }
  in.extensions.audio_level = std::byte{in.facts.audio_level};
  in.extensions.video_orientation = std::byte{in.facts.video_orientation};
  if (const Bytes delay = packet.extension(ids.playout_delay); delay.size() == 3) {
    std::copy(delay.begin(), delay.end(), in.extensions.playout_delay.begin());
    in.extensions.has_playout_delay = true;
  }
  in.payload = packet.payload();
  if (in.payload.empty()) return in;
  cache_.insert(now, in.sequence, in.facts, in.payload);
  in.describe_payload();
  if (in.key_frame && in.vp8) {
    ++record_.key_frame_count;
    if (in.vp8->width != 0 && in.vp8->height != 0) {
      record_.width = in.vp8->width;
      record_.height = in.vp8->height;
    }
    key_frames_.on_key_frame(now);
    nack_.forget_before(in.sequence);
  }
  return in;
}

std::optional<IncomingPacket> IncomingLayer::recall(TimePoint now, ExtendedSequenceNumber sequence,
                                                    const std::vector<CodecSpec>& codecs) const noexcept {
  const auto cached = cache_.find(now, sequence);
  if (!cached) return std::nullopt;
  const auto codec = find_payload_type(codecs, cached->facts.payload_type.value);
  if (!codec || codec->rtx) return std::nullopt;  // renegotiated meanwhile
  IncomingPacket in;
  in.source = source();
  in.sequence = sequence;
  in.codec = codec->spec->codec;
  in.facts = cached->facts;
  in.extensions.audio_level = std::byte{in.facts.audio_level};
  in.extensions.video_orientation = std::byte{in.facts.video_orientation};
  in.payload = cached->payload;
  in.describe_payload();
  return in;
}

}  // namespace sluice
