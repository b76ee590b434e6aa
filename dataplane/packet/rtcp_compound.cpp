#include "dataplane/packet/rtcp_compound.hpp"

#include <limits>

#include "dataplane/packet/rtcp_format.hpp"

namespace sluice {
namespace {

using Body = std::optional<RtcpPacket>;  // nothing: the content does not fit

/// | V=2 | P | count (5) | packet type | length in words - 1 |
struct Header {
  bool padding = false;
  std::uint8_t count = 0;
  std::uint8_t type = 0;
  std::size_t body_size = 0;
};

Result<Header, RtcpError> read_header(ByteReader& reader) noexcept {
  const std::uint8_t first = reader.u8();
  const std::uint8_t type = reader.u8();
  const std::size_t body_size = std::size_t{reader.u16()} * 4;
  if (!reader.ok()) return unexpected(RtcpError::too_short);
  if (first >> 6U != 2) return unexpected(RtcpError::bad_version);
  if (type < 192 || type > 223) return unexpected(RtcpError::bad_type);
  if (body_size > reader.remaining()) return unexpected(RtcpError::bad_length);
  return Header{.padding = (first & 0x20U) != 0,
                .count = static_cast<std::uint8_t>(first & 0x1fU),
                .type = type,
                .body_size = body_size};
}

/// The blocks of a report; profile-specific extensions may follow them and are skipped.
ReportBlocks read_blocks(ByteReader& reader, std::size_t count) noexcept {
  return ReportBlocks(reader.take(count * ReportBlocks::block_size));
}

Body read_sender_report(std::size_t count, ByteReader& reader) noexcept {
  SenderReport report;
  report.sender = {reader.u32()};
  report.ntp_time = reader.u64();
  report.rtp_timestamp = reader.u32();
  report.packet_count = reader.u32();
  report.octet_count = reader.u32();
  report.blocks = read_blocks(reader, count);
  if (!reader.ok()) return std::nullopt;
  return report;
}

Body read_receiver_report(std::size_t count, ByteReader& reader) noexcept {
  ReceiverReport report;
  report.sender = {reader.u32()};
  report.blocks = read_blocks(reader, count);
  if (!reader.ok()) return std::nullopt;
  return report;
}

Body read_source_description(std::size_t count, ByteReader& reader) noexcept {
  const SourceDescription description(count, reader.rest());
  if (!description.valid()) return std::nullopt;
  return description;
}

Body read_goodbye(std::size_t count, ByteReader& reader) noexcept {
  const Bytes sources = reader.take(4 * count);  // an optional reason may follow
  if (!reader.ok()) return std::nullopt;
  return Goodbye(sources);
}

Body read_transport_layer_feedback(std::uint8_t format, ByteReader& reader) noexcept {
  if (format != rtcp::generic_nack && format != rtcp::transport_wide)
    return UnknownRtcp{.packet_type = rtcp::transport_layer_feedback, .format = format};
  const Ssrc sender{reader.u32()};
  const Ssrc media{reader.u32()};
  const Bytes control = reader.rest();
  if (!reader.ok()) return std::nullopt;
  if (format == rtcp::transport_wide) return TransportFeedback::parse(sender, media, control);
  if (control.empty() || control.size() % 4 != 0) return std::nullopt;
  return Nack(sender, media, control);
}

Body read_receiver_estimate(Ssrc sender, ByteReader& reader) noexcept {
  const std::size_t count = reader.u8();
  const std::uint32_t rate = reader.u24();
  const unsigned exponent = rate >> 18U;
  const std::uint64_t mantissa = rate & 0x3ffffU;
  const Bytes sources = reader.take(4 * count);
  if (!reader.ok()) return std::nullopt;
  constexpr auto bitrate_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const std::uint64_t value = mantissa > (bitrate_max >> exponent) ? bitrate_max : mantissa << exponent;
  return ReceiverEstimate(sender, Bitrate{static_cast<std::int64_t>(value)}, sources);
}

Body read_payload_specific_feedback(std::uint8_t format, ByteReader& reader) noexcept {
  const UnknownRtcp unknown{.packet_type = rtcp::payload_specific_feedback, .format = format};
  if (format != rtcp::picture_loss && format != rtcp::full_intra_request && format != rtcp::application_layer)
    return unknown;
  const Ssrc sender{reader.u32()};
  const Ssrc media{reader.u32()};
  if (!reader.ok()) return std::nullopt;
  if (format == rtcp::picture_loss) return PictureLoss{.sender = sender, .media = media};
  if (format == rtcp::full_intra_request) {
    const Bytes entries = reader.rest();
    if (entries.empty() || entries.size() % 8 != 0) return std::nullopt;
    return FullIntraRequest(sender, entries);
  }
  if (reader.remaining() < 4 || reader.u32() != rtcp::remb_identifier) return unknown;
  return read_receiver_estimate(sender, reader);
}

Body read_body(const Header& header, Bytes body) noexcept {
  ByteReader reader(body);
  switch (header.type) {
    case rtcp::sender_report:
      return read_sender_report(header.count, reader);
    case rtcp::receiver_report:
      return read_receiver_report(header.count, reader);
    case rtcp::source_description:
      return read_source_description(header.count, reader);
    case rtcp::goodbye:
      return read_goodbye(header.count, reader);
    case rtcp::transport_layer_feedback:
      return read_transport_layer_feedback(header.count, reader);
    case rtcp::payload_specific_feedback:
      return read_payload_specific_feedback(header.count, reader);
    default:
      return UnknownRtcp{.packet_type = header.type, .format = header.count};
  }
}

}  // namespace

Result<RtcpPacket, RtcpError> RtcpCompound::read_packet(ByteReader& reader) noexcept {
  const auto header = read_header(reader);
  if (!header) return unexpected(header.error());
  Bytes body = reader.take(header->body_size);
  if (header->padding) {
    // RFC 3550 section 6.4.1 wants padding in the last packet only and in whole words. Browsers pad each transport-wide
    // feedback by one to three bytes and put several into a compound, so neither can be asked for.
    if (body.empty()) return unexpected(RtcpError::bad_padding);
    const auto padding = std::to_integer<std::size_t>(body.back());
    if (padding == 0 || padding > body.size()) return unexpected(RtcpError::bad_padding);
    body = body.first(body.size() - padding);
  }
  const Body packet = read_body(*header, body);
  if (!packet) return unexpected(RtcpError::bad_body);
  return *packet;
}

Result<RtcpCompound, RtcpError> RtcpCompound::parse(Bytes datagram) noexcept {
  ByteReader reader(datagram);
  do {
    const auto packet = read_packet(reader);
    if (!packet) return unexpected(packet.error());
  } while (reader.remaining() > 0);
  return RtcpCompound(datagram);
}

}  // namespace sluice
