#include "tools/load/receive_stream.hpp"

#include "dataplane/packet/rtx.hpp"
#include "dataplane/packet/vp8_descriptor.hpp"

namespace sluice::load {

namespace {

constexpr std::size_t frame_header_size = 10;  // as SendStream writes it
constexpr std::size_t opus_toc_size = 1;

}  // namespace

ReceiveStream::ReceiveStream(const ReceiveSpec& spec)
    : spec_(spec),
      statistics_(statistics_state_, MediaSettings::clock_rate(spec.label.kind)),
      gaps_(MediaSettings::interval(spec.label.kind)),
      wants_nack_(spec.rtx_ssrc.value != 0 && spec.label.kind == MediaKind::video) {}

std::optional<Gap> ReceiveStream::on_rtp(TimePoint arrival, const RtpPacket& packet) {
  ++counts_.packets;
  const Arrival seen = statistics_.on_packet(arrival, packet.sequence_number(), packet.timestamp(), packet.size());
  if (seen.kind == ArrivalKind::resynced) nack_.reset();
  if (wants_nack_ && seen.usable()) nack_.on_packet(arrival, seen.sequence);
  return measure(arrival, packet.payload(), false);
}

std::optional<Gap> ReceiveStream::on_rtx(TimePoint arrival, const RtpPacket& packet) {
  ++counts_.packets;
  const std::optional<SequenceNumber> original = rtx_original_sequence_number(packet.payload());
  if (!original) {
    ++counts_.unstamped;
    return std::nullopt;
  }
  const Arrival seen = statistics_.on_repair(*original);
  if (wants_nack_ && seen.usable()) nack_.on_packet(arrival, seen.sequence);
  return measure(arrival, packet.payload().subspan(rtx_osn_size), true);
}

std::optional<Gap> ReceiveStream::measure(TimePoint arrival, Bytes payload, bool repaired) {
  std::uint16_t picture_id = 0;
  std::size_t at = opus_toc_size;
  if (spec_.label.kind == MediaKind::video) {
    const std::optional<Vp8Descriptor> descriptor = Vp8Descriptor::parse(payload);
    if (!descriptor) {
      ++counts_.unstamped;
      return std::nullopt;
    }
    picture_id = descriptor->picture_id.value_or(0);
    at = descriptor->size + (descriptor->start_of_frame() ? frame_header_size : 0);
  }
  const std::optional<MediaStamp> stamp = at < payload.size() ? MediaStamp::read(payload.subspan(at)) : std::nullopt;
  if (!stamp) {
    ++counts_.unstamped;
    return std::nullopt;
  }
  if (stamp->stream != spec_.stream) {
    ++counts_.misrouted;
    return std::nullopt;
  }
  if (!window_.note(stamp->counter)) return std::nullopt;
  if (repaired) ++counts_.repaired;
  latency_.record(arrival - stamp->sent);
  if (spec_.label.kind == MediaKind::video) frames_.on_packet(arrival, *stamp, picture_id);
  return gaps_.on_packet(arrival);
}

std::optional<ReportBlock> ReceiveStream::report(TimePoint now) noexcept {
  if (!statistics_.started()) return std::nullopt;
  return statistics_.report(now, spec_.ssrc);
}

bool ReceiveStream::wants_key_frame(TimePoint now) noexcept {
  return spec_.label.kind == MediaKind::video && frames_.wants_key_frame(now);
}

std::optional<Gap> ReceiveStream::finish(TimePoint now) noexcept {
  frames_.finish(now);
  return gaps_.finish(now);
}

void ReceiveStream::reset(TimePoint now) noexcept {
  window_.reset();
  frames_.reset(now);
  gaps_.reset(now);
  latency_ = {};
  counts_ = {};
}

}  // namespace sluice::load
