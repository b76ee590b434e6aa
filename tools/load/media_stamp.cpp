#include "tools/load/media_stamp.hpp"

#include "shm/types/byte_order.hpp"

namespace sluice::load {

namespace {
constexpr std::uint16_t key_frame_flag = 1;
}  // namespace

bool MediaStamp::write(MutableBytes out) const noexcept {
  if (out.size() < size) return false;
  ByteWriter writer(out);
  writer.u16(magic);
  writer.u16(key_frame ? key_frame_flag : 0);
  writer.u32(stream);
  writer.u64(counter);
  writer.u64(static_cast<std::uint64_t>(sent.time_since_epoch().count()));
  writer.u32(frame);
  writer.u16(index);
  writer.u16(count);
  return writer.ok();
}

std::optional<MediaStamp> MediaStamp::read(Bytes bytes) noexcept {
  ByteReader reader(bytes);
  const std::uint16_t found = reader.u16();
  const std::uint16_t flags = reader.u16();
  MediaStamp stamp;
  stamp.stream = reader.u32();
  stamp.counter = reader.u64();
  stamp.sent = TimePoint(Duration(static_cast<std::int64_t>(reader.u64())));
  stamp.frame = reader.u32();
  stamp.index = reader.u16();
  stamp.count = reader.u16();
  stamp.key_frame = (flags & key_frame_flag) != 0;
  if (!reader.ok() || found != magic || stamp.index >= stamp.count) return std::nullopt;
  return stamp;
}

}  // namespace sluice::load
