#include "shm/region/segment_header.hpp"

#include <new>

namespace sluice {

void describe_segment(SegmentHeader& header, const SegmentIdentity& identity, std::uint64_t incarnation) noexcept {
  header.magic = SegmentHeader::expected_magic;
  header.kind = static_cast<std::uint32_t>(identity.kind);
  header.major = identity.major;
  header.minor = identity.minor;
  header.layout_hash = identity.layout_hash;
  header.size_bytes = identity.size_bytes;
  header.incarnation = incarnation;
}

void publish_segment(SegmentHeader& header) noexcept {
  header.ready.store(1, std::memory_order_release);
}

bool segment_is_unready(const SegmentHeader& header) noexcept {
  return header.ready.load(std::memory_order_acquire) == 0;
}

Result<void, RegionError> check_segment(Bytes segment, const SegmentIdentity& expected) noexcept {
  const auto refuse = [](RegionFault fault, std::uint64_t found, std::uint64_t wanted) {
    return unexpected(RegionError{fault, 0, found, wanted});
  };
  if (segment.size() < sizeof(SegmentHeader)) return refuse(RegionFault::too_small, segment.size(), sizeof(SegmentHeader));
  const auto& header = *std::launder(reinterpret_cast<const SegmentHeader*>(segment.data()));
  const std::uint32_t ready = header.ready.load(std::memory_order_acquire);
  if (ready != 1) return refuse(RegionFault::not_ready, ready, 1);
  if (header.magic != SegmentHeader::expected_magic) {
    return refuse(RegionFault::wrong_magic, header.magic, SegmentHeader::expected_magic);
  }
  if (header.kind != static_cast<std::uint32_t>(expected.kind)) {
    return refuse(RegionFault::wrong_kind, header.kind, static_cast<std::uint32_t>(expected.kind));
  }
  if (header.major != expected.major) return refuse(RegionFault::wrong_version, header.major, expected.major);
  if (header.layout_hash != expected.layout_hash) {
    return refuse(RegionFault::wrong_layout_hash, header.layout_hash, expected.layout_hash);
  }
  if (header.size_bytes != expected.size_bytes)
    return refuse(RegionFault::wrong_size, header.size_bytes, expected.size_bytes);
  if (segment.size() < expected.size_bytes) return refuse(RegionFault::too_small, segment.size(), expected.size_bytes);
  return {};
}

}  // namespace sluice
