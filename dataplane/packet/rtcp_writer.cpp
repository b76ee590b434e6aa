#include "dataplane/packet/rtcp_writer.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/packet/rtcp_format.hpp"

namespace sluice {
namespace {

/// One packet under construction behind what was written before; its length is filled in by finish().
class Packet {
 public:
  Packet(MutableBytes room, std::size_t count, std::uint8_t type) noexcept : room_(room), writer_(room) {
    writer_.u8(static_cast<std::uint8_t>(0x80U | (count & 0x1fU)));
    writer_.u8(type);
    writer_.u16(0);
  }
  [[nodiscard]] ByteWriter& writer() noexcept { return writer_; }
  /// Adds the packet's size to `size` if all of it fitted.
  [[nodiscard]] bool finish(std::size_t& size) noexcept {
    if (!writer_.ok() || writer_.size() % 4 != 0 || writer_.size() / 4 > 0x10000) return false;
    store_u16(room_, 2, static_cast<std::uint16_t>(writer_.size() / 4 - 1));
    size += writer_.size();
    return true;
  }

 private:
  MutableBytes room_;
  ByteWriter writer_;
};

void write_blocks(ByteWriter& writer, std::span<const ReportBlock> blocks) noexcept {
  for (const ReportBlock& block : blocks) {
    writer.u32(block.ssrc.value);
    writer.u8(block.fraction_lost);
    // RFC 3550 section 6.4.1: 24 bits signed; it stays at the limit rather than wrap.
    writer.u24(static_cast<std::uint32_t>(std::clamp(block.cumulative_lost, -0x800000, 0x7fffff)) & 0xffffffU);
    writer.u32(block.highest_sequence);
    writer.u32(block.jitter);
    writer.u32(block.last_sr);
    writer.u32(block.delay_since_last_sr);
  }
}

}  // namespace

bool RtcpWriter::sender_report(Ssrc sender, std::uint64_t ntp_time, std::uint32_t rtp_timestamp, std::uint32_t packet_count,
                               std::uint32_t octet_count, std::span<const ReportBlock> blocks) noexcept {
  if (blocks.size() > rtcp::count_max) return false;
  Packet packet(out_.subspan(size_), blocks.size(), rtcp::sender_report);
  packet.writer().u32(sender.value);
  packet.writer().u64(ntp_time);
  packet.writer().u32(rtp_timestamp);
  packet.writer().u32(packet_count);
  packet.writer().u32(octet_count);
  write_blocks(packet.writer(), blocks);
  return packet.finish(size_);
}

bool RtcpWriter::receiver_report(Ssrc sender, std::span<const ReportBlock> blocks) noexcept {
  if (blocks.size() > rtcp::count_max) return false;
  Packet packet(out_.subspan(size_), blocks.size(), rtcp::receiver_report);
  packet.writer().u32(sender.value);
  write_blocks(packet.writer(), blocks);
  return packet.finish(size_);
}

bool RtcpWriter::source_description(Ssrc source, std::string_view cname) noexcept {
  if (cname.size() > 255) return false;
  Packet packet(out_.subspan(size_), 1, rtcp::source_description);
  packet.writer().u32(source.value);
  packet.writer().u8(SourceDescription::cname_item);
  packet.writer().u8(static_cast<std::uint8_t>(cname.size()));
  packet.writer().bytes(as_bytes(cname));
  // One to four zero octets end the items and fill the word.
  packet.writer().fill(std::byte{0}, 4 - packet.writer().size() % 4);
  return packet.finish(size_);
}

bool RtcpWriter::goodbye(std::span<const Ssrc> sources) noexcept {
  if (sources.size() > rtcp::count_max) return false;
  Packet packet(out_.subspan(size_), sources.size(), rtcp::goodbye);
  for (const Ssrc source : sources) packet.writer().u32(source.value);
  return packet.finish(size_);
}

bool RtcpWriter::nack(Ssrc sender, Ssrc media, std::span<const SequenceNumber> lost) noexcept {
  if (lost.empty()) return false;
  Packet packet(out_.subspan(size_), rtcp::generic_nack, rtcp::transport_layer_feedback);
  packet.writer().u32(sender.value);
  packet.writer().u32(media.value);
  for (std::size_t i = 0; i < lost.size();) {
    const std::uint16_t pid = lost[i].value;
    std::uint32_t blp = 0;
    for (++i; i < lost.size(); ++i) {
      const auto distance = static_cast<std::uint16_t>(lost[i].value - pid);
      if (distance > 16) break;
      if (distance > 0) blp |= 1U << (distance - 1U);
    }
    packet.writer().u16(pid);
    packet.writer().u16(static_cast<std::uint16_t>(blp));
  }
  return packet.finish(size_);
}

bool RtcpWriter::picture_loss(Ssrc sender, Ssrc media) noexcept {
  Packet packet(out_.subspan(size_), rtcp::picture_loss, rtcp::payload_specific_feedback);
  packet.writer().u32(sender.value);
  packet.writer().u32(media.value);
  return packet.finish(size_);
}

bool RtcpWriter::full_intra_request(Ssrc sender, std::span<const FirEntry> entries) noexcept {
  if (entries.empty()) return false;
  Packet packet(out_.subspan(size_), rtcp::full_intra_request, rtcp::payload_specific_feedback);
  packet.writer().u32(sender.value);
  packet.writer().u32(0);  // media SSRC is not used and zero (RFC 5104 section 4.3.1.2)
  for (const FirEntry& entry : entries) {
    packet.writer().u32(entry.media.value);
    packet.writer().u8(entry.sequence);
    packet.writer().u24(0);
  }
  return packet.finish(size_);
}

bool RtcpWriter::receiver_estimate(Ssrc sender, Bitrate bitrate, std::span<const Ssrc> sources) noexcept {
  if (sources.size() > 255 || bitrate.bits_per_second < 0) return false;
  constexpr int mantissa_bits = 18;
  const auto value = static_cast<std::uint64_t>(bitrate.bits_per_second);
  const int exponent = std::max(0, static_cast<int>(std::bit_width(value)) - mantissa_bits);
  const auto mantissa = static_cast<std::uint32_t>(value >> static_cast<unsigned>(exponent));
  Packet packet(out_.subspan(size_), rtcp::application_layer, rtcp::payload_specific_feedback);
  packet.writer().u32(sender.value);
  packet.writer().u32(0);  // media SSRC is zero (draft-alvestrand-rmcat-remb-03 section 2.2)
  packet.writer().u32(rtcp::remb_identifier);
  packet.writer().u8(static_cast<std::uint8_t>(sources.size()));
  packet.writer().u24(static_cast<std::uint32_t>(exponent) << 18U | mantissa);
  for (const Ssrc source : sources) packet.writer().u32(source.value);
  return packet.finish(size_);
}

bool RtcpWriter::transport_feedback(Ssrc sender, Ssrc media, const TransportFeedbackWriter& feedback) noexcept {
  if (feedback.empty()) return false;
  const MutableBytes room = out_.subspan(size_);
  Packet packet(room, rtcp::transport_wide, rtcp::transport_layer_feedback);
  packet.writer().u32(sender.value);
  packet.writer().u32(media.value);
  feedback.write_body(packet.writer());
  if (const std::size_t padding = (4 - packet.writer().size() % 4) % 4; padding != 0) {
    // RTCP padding, told by the P bit: receivers must not read the filling as deltas.
    packet.writer().fill(std::byte{0}, padding - 1);
    packet.writer().u8(static_cast<std::uint8_t>(padding));
    if (packet.writer().ok()) room[0] |= std::byte{0x20};
  }
  return packet.finish(size_);
}

}  // namespace sluice
