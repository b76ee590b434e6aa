#pragma once

#include <cstdint>

#include "shm/counters/heartbeat.hpp"
#include "shm/region/layout_hash.hpp"
#include "shm/region/typed_segment.hpp"

namespace sluice {

/// The heartbeat of control, or of the handshaker, towards the supervisor: a segment of its own ("pulse"), because every
/// other one that they hold can be written by some worker, which could make them look dead or alive.
struct PulseLayout {
  static constexpr SegmentKind segment_kind = SegmentKind::pulse;
  static constexpr std::uint16_t segment_major = 1;
  static constexpr std::uint16_t segment_minor = 0;

  SegmentHeader header;
  Heartbeat heartbeat;

  static const std::uint64_t segment_layout_hash;
};
static_assert(SharedLayout<PulseLayout> && alignof(PulseLayout) == 128);
SLUICE_FIELD(PulseLayout, header, 0, 128);
SLUICE_FIELD(PulseLayout, heartbeat, 128, 128);

inline constexpr std::uint64_t PulseLayout::segment_layout_hash =
    layout_hash(sizeof(PulseLayout), {SLUICE_SPAN(PulseLayout, header), SLUICE_SPAN(PulseLayout, heartbeat)});

using PulseSegment = TypedSegment<PulseLayout>;

}  // namespace sluice
