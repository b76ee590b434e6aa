#include "dataplane/packet/vp8_descriptor.hpp"

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

/// X bit: picture id, tl0picidx, tid/Y/keyidx, each if its bit says so.
void read_extension(ByteReader& reader, Vp8Descriptor& descriptor) noexcept {
  const std::uint8_t present = reader.u8();
  if ((present & 0x80U) != 0) {
    descriptor.picture_id_at = static_cast<std::uint8_t>(reader.position());
    const std::uint8_t first = reader.u8();
    descriptor.picture_id_is_15_bits = (first & 0x80U) != 0;
    std::uint16_t id = first & 0x7fU;
    if (descriptor.picture_id_is_15_bits) id = static_cast<std::uint16_t>(id << 8U | reader.u8());
    descriptor.picture_id = id;
  }
  if ((present & 0x40U) != 0) {
    descriptor.tl0_picture_index_at = static_cast<std::uint8_t>(reader.position());
    descriptor.tl0_picture_index = reader.u8();
  }
  if ((present & 0x30U) != 0) {
    // One byte carries both; each half counts only if its own bit is set.
    const std::uint8_t value = reader.u8();
    if ((present & 0x20U) != 0) {
      descriptor.temporal_id = static_cast<std::uint8_t>(value >> 6U);
      descriptor.layer_sync = (value & 0x20U) != 0;
    }
    if ((present & 0x10U) != 0) descriptor.key_index = static_cast<std::uint8_t>(value & 0x1fU);
  }
}

/// RFC 7741 section 4.3 and RFC 6386 section 9.1: frame tag (3 bytes, P lowest bit), start code, then the size.
void read_frame_header(ByteReader& reader, Vp8Descriptor& descriptor) noexcept {
  descriptor.key_frame = (reader.u8() & 0x01U) == 0;
  if (!descriptor.key_frame) return;
  reader.skip(2);
  const std::uint32_t start_code = reader.u24();
  // Little-endian, 14 bits each below 2 bits of scale.
  const unsigned width = reader.u16();
  const unsigned height = reader.u16();
  if (!reader.ok() || start_code != 0x9d012a) return;
  descriptor.width = static_cast<std::uint16_t>((width >> 8U | width << 8U) & 0x3fffU);
  descriptor.height = static_cast<std::uint16_t>((height >> 8U | height << 8U) & 0x3fffU);
}

}  // namespace

std::optional<Vp8Descriptor> Vp8Descriptor::parse(Bytes payload) noexcept {
  ByteReader reader(payload);
  Vp8Descriptor descriptor;
  const std::uint8_t first = reader.u8();
  descriptor.non_reference = (first & 0x20U) != 0;
  descriptor.start_of_partition = (first & 0x10U) != 0;
  descriptor.partition = first & 0x07U;
  if ((first & 0x80U) != 0) read_extension(reader, descriptor);
  if (!reader.ok() || reader.remaining() == 0) return std::nullopt;
  descriptor.size = static_cast<std::uint8_t>(reader.position());
  if (descriptor.start_of_frame()) read_frame_header(reader, descriptor);
  return descriptor;
}

void Vp8Descriptor::rewrite_picture_id(MutableBytes payload, std::uint16_t id) const noexcept {
  if (picture_id_at == 0) return;
  ByteWriter writer(payload.subspan(picture_id_at));
  if (picture_id_is_15_bits) {
    writer.u16(static_cast<std::uint16_t>(0x8000U | id));
  } else {
    writer.u8(static_cast<std::uint8_t>(id & 0x7fU));
  }
}

void Vp8Descriptor::rewrite_tl0_picture_index(MutableBytes payload, std::uint8_t index) const noexcept {
  if (tl0_picture_index_at != 0) ByteWriter(payload.subspan(tl0_picture_index_at)).u8(index);
}

}  // namespace sluice
