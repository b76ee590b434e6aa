#include "dataplane/packet/rtp_packet.hpp"

namespace sluice {

Result<RtpPacket, RtpError> RtpPacket::parse_header(MutableBytes bytes) noexcept {
  if (bytes.size() < fixed_header_size) return unexpected(RtpError::too_short);
  if (bytes.size() > 0xffff) return unexpected(RtpError::too_long);
  const auto first = std::to_integer<unsigned>(bytes[0]);
  if (first >> 6U != 2) return unexpected(RtpError::bad_version);
  RtpPacket packet(bytes);
  const std::uint8_t type = packet.payload_type().value;
  if (type >= 64 && type <= 95) return unexpected(RtpError::bad_payload_type);

  ByteReader reader(bytes);
  reader.skip(fixed_header_size + 4 * packet.csrc_count());
  const bool has_extension = (first & 0x10U) != 0;
  if (has_extension) {
    const std::uint16_t profile = reader.u16();
    const std::size_t elements_size = std::size_t{reader.u16()} * 4;
    if (elements_size > reader.remaining()) return unexpected(RtpError::too_short);
    packet.extension_profile_ = profile;
    packet.extension_at_ = static_cast<std::uint16_t>(reader.position());
    packet.extension_size_ = static_cast<std::uint16_t>(elements_size);
    reader.skip(elements_size);
  }
  if (!reader.ok()) return unexpected(RtpError::too_short);
  packet.header_size_ = static_cast<std::uint16_t>(reader.position());
  if (has_extension && !packet.extensions().valid()) return unexpected(RtpError::bad_extension);
  return packet;
}

Result<RtpPacket, RtpError> RtpPacket::parse(MutableBytes bytes) noexcept {
  auto packet = parse_header(bytes);
  if (!packet) return packet;
  if (const auto finished = packet->finish(bytes.size()); !finished) return unexpected(finished.error());
  return packet;
}

Result<void, RtpError> RtpPacket::finish(std::size_t size) noexcept {
  if (size < header_size_ || size > bytes_.size()) return unexpected(RtpError::too_short);
  bytes_ = bytes_.first(size);
  padding_size_ = 0;
  if ((std::to_integer<unsigned>(bytes_[0]) & 0x20U) == 0) return {};
  if (size == header_size_) return unexpected(RtpError::bad_padding);
  const auto padding = std::to_integer<std::uint16_t>(bytes_[size - 1]);
  if (padding == 0 || padding > size - header_size_) return unexpected(RtpError::bad_padding);
  padding_size_ = padding;
  return {};
}

void RtpPacket::set_marker(bool marker) noexcept {
  bytes_[1] = (bytes_[1] & std::byte{0x7f}) | (marker ? std::byte{0x80} : std::byte{0});
}

void RtpPacket::set_payload_type(PayloadType type) noexcept {
  bytes_[1] = (bytes_[1] & std::byte{0x80}) | (std::byte{type.value} & std::byte{0x7f});
}

}  // namespace sluice
