#include "dataplane/packet/rtcp_packet.hpp"

namespace sluice {

ReportBlock ReportBlocks::operator[](std::size_t i) const noexcept {
  ByteReader reader(bytes_.subspan(i * block_size, block_size));
  ReportBlock block;
  block.ssrc = {reader.u32()};
  block.fraction_lost = reader.u8();
  const std::uint32_t lost = reader.u24();
  // Sign-extends 24 bits.
  block.cumulative_lost = static_cast<std::int32_t>(lost << 8U) >> 8;
  block.highest_sequence = reader.u32();
  block.jitter = reader.u32();
  block.last_sr = reader.u32();
  block.delay_since_last_sr = reader.u32();
  return block;
}

std::optional<SourceDescription::Chunk> SourceDescription::read_chunk(ByteReader& reader) noexcept {
  const std::size_t start = reader.position();
  Chunk chunk{.ssrc = {reader.u32()}, .cname = {}, .has_cname = false};
  for (std::uint8_t item = reader.u8(); item != 0; item = reader.u8()) {
    const Bytes text = reader.take(reader.u8());
    if (!reader.ok()) return std::nullopt;
    if (item == cname_item && !chunk.has_cname) {
      chunk.cname = as_text(text);
      chunk.has_cname = true;
    }
  }
  // The item list ends with one or more zero octets, up to the next 32-bit boundary.
  reader.skip((4 - (reader.position() - start) % 4) % 4);
  if (!reader.ok()) return std::nullopt;
  return chunk;
}

bool SourceDescription::valid() const noexcept {
  ByteReader reader(body_);
  for (std::size_t i = 0; i < chunks_; ++i)
    if (!read_chunk(reader)) return false;
  return true;
}

FirEntry FullIntraRequest::operator[](std::size_t i) const noexcept {
  ByteReader reader(entries_.subspan(i * 8, 8));
  const Ssrc media{reader.u32()};
  return {.media = media, .sequence = reader.u8()};
}

}  // namespace sluice
