#include "dataplane/packet/rtp_header_writer.hpp"

#include "dataplane/packet/extension_block.hpp"
#include "dataplane/packet/rtp_packet.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

constexpr std::array<std::byte, 3> zeroes{};
constexpr std::size_t block_header_size = 4;

}  // namespace

void RtpHeaderLayout::patch_transport_sequence_number(MutableBytes packet, std::uint16_t number) const noexcept {
  if (transport_sequence_number_at != 0) store_u16(packet, transport_sequence_number_at, number);
}

void RtpHeaderLayout::patch_abs_send_time(MutableBytes packet, TimePoint now) const noexcept {
  if (abs_send_time_at != 0) ByteWriter(packet.subspan(abs_send_time_at, 3)).u24(abs_send_time_of(now));
}

RtpHeaderWriter& RtpHeaderWriter::add(std::uint8_t id, Bytes data) noexcept {
  if (id == 0) return *this;
  if (count_ == extensions_max || data.size() > 255) {
    ok_ = false;
    return *this;
  }
  two_byte_ = two_byte_ || id > 14 || data.empty() || data.size() > 16;
  elements_[count_++] = {.data = data.data(), .size = static_cast<std::uint8_t>(data.size()), .id = id};
  data_size_ = static_cast<std::uint16_t>(data_size_ + data.size());
  return *this;
}

RtpHeaderWriter& RtpHeaderWriter::reserve_transport_sequence_number(std::uint8_t id) noexcept {
  if (id != 0 && count_ < extensions_max) transport_sequence_number_index_ = count_;
  return add(id, Bytes(zeroes).first(2));
}

RtpHeaderWriter& RtpHeaderWriter::reserve_abs_send_time(std::uint8_t id) noexcept {
  if (id != 0 && count_ < extensions_max) abs_send_time_index_ = count_;
  return add(id, Bytes(zeroes).first(3));
}

std::size_t RtpHeaderWriter::elements_size() const noexcept {
  const std::size_t size = data_size_ + std::size_t{count_} * (two_byte_ ? 2 : 1);
  return (size + 3) / 4 * 4;
}

std::size_t RtpHeaderWriter::size() const noexcept {
  return RtpPacket::fixed_header_size + (count_ == 0 ? 0 : block_header_size + elements_size());
}

std::optional<RtpHeaderLayout> RtpHeaderWriter::write(MutableBytes out) const noexcept {
  if (!ok_ || size() > out.size()) return std::nullopt;
  RtpHeaderLayout layout;
  layout.header_size = static_cast<std::uint16_t>(size());
  ByteWriter writer(out.first(layout.header_size));
  writer.u8(static_cast<std::uint8_t>(0x80U | (header_.padding ? 0x20U : 0U) | (count_ != 0 ? 0x10U : 0U)));
  writer.u8(static_cast<std::uint8_t>((header_.marker ? 0x80U : 0U) | (header_.payload_type.value & 0x7fU)));
  writer.u16(header_.sequence_number.value);
  writer.u32(header_.timestamp);
  writer.u32(header_.ssrc.value);
  if (count_ == 0) return layout;

  writer.u16(two_byte_ ? ExtensionBlock::two_byte_profile : ExtensionBlock::one_byte_profile);
  writer.u16(static_cast<std::uint16_t>(elements_size() / 4));
  for (std::uint8_t i = 0; i < count_; ++i) {
    const Element& element = elements_[i];
    if (two_byte_) {
      writer.u8(element.id);
      writer.u8(element.size);
    } else {
      writer.u8(static_cast<std::uint8_t>(unsigned{element.id} << 4U | (element.size - 1U)));
    }
    const auto at = static_cast<std::uint16_t>(writer.size());
    if (i == transport_sequence_number_index_) layout.transport_sequence_number_at = at;
    if (i == abs_send_time_index_) layout.abs_send_time_at = at;
    writer.bytes({element.data, element.size});
  }
  writer.fill(std::byte{0}, writer.remaining());
  return layout;
}

}  // namespace sluice
