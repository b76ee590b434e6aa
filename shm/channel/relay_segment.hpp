#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/region/typed_segment.hpp"
#include "shm/ring/ring_layout.hpp"

namespace sluice {

/// The way from one worker to another, one segment for each ordered pair (docs/adr/0009): datagrams for transports that
/// have moved, and the records of those that move, keys among them. Only these two map it, and guard it
/// (Region::guard_secrets).
struct RelayLayout {
  static constexpr SegmentKind segment_kind = SegmentKind::relay;
  static constexpr std::uint16_t segment_major = 1;
  static constexpr std::uint16_t segment_minor = 0;
  // A room of ten with everything is a quarter of it, and some 50 ms of 100 Mbit/s; what does not fit is told again.
  static constexpr std::size_t ring_bytes = std::size_t{1} << 20U;

  SegmentHeader header;
  RingLayout<ring_bytes> ring;

  static const std::uint64_t segment_layout_hash;
};
static_assert(SharedLayout<RelayLayout> && alignof(RelayLayout) == 128);
SLUICE_FIELD(RelayLayout, header, 0, 128);
SLUICE_FIELD(RelayLayout, ring, 128, 384 + (1U << 20U));

inline constexpr std::uint64_t RelayLayout::segment_layout_hash =
    layout_hash(sizeof(RelayLayout), {SLUICE_SPAN(RelayLayout, header), SLUICE_SPAN(RelayLayout, ring)});

using RelaySegment = TypedSegment<RelayLayout>;

}  // namespace sluice
