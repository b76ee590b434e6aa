#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/counters/heartbeat.hpp"
#include "shm/region/layout_hash.hpp"
#include "shm/region/typed_segment.hpp"
#include "shm/ring/ring_layout.hpp"

namespace sluice {

/// What one worker shares with the handshaker. It carries SRTP keys: control never maps it, its holders call
/// Region::guard_secrets().
struct HandshakeLayout {
  static constexpr SegmentKind segment_kind = SegmentKind::handshake;
  static constexpr std::uint16_t segment_major = 1;
  static constexpr std::uint16_t segment_minor = 0;
  // A burst of 1000 joins is 1.5 MB of ClientHellos while the handshaker needs a third of a second for them.
  static constexpr std::size_t to_handshaker_bytes = std::size_t{1} << 22U;
  static constexpr std::size_t to_worker_bytes = std::size_t{1} << 22U;

  SegmentHeader header;
  RingLayout<to_handshaker_bytes> to_handshaker;
  RingLayout<to_worker_bytes> to_worker;
  Heartbeat handshaker_heartbeat;

  static const std::uint64_t segment_layout_hash;
};
static_assert(SharedLayout<HandshakeLayout> && alignof(HandshakeLayout) == 128);
SLUICE_FIELD(HandshakeLayout, header, 0, 128);
SLUICE_FIELD(HandshakeLayout, to_handshaker, 128, 384 + (1U << 22U));
SLUICE_FIELD(HandshakeLayout, to_worker, 4'194'816, 384 + (1U << 22U));
SLUICE_FIELD(HandshakeLayout, handshaker_heartbeat, 8'389'504, 128);

inline constexpr std::uint64_t HandshakeLayout::segment_layout_hash = layout_hash(
    sizeof(HandshakeLayout), {SLUICE_SPAN(HandshakeLayout, header), SLUICE_SPAN(HandshakeLayout, to_handshaker),
                              SLUICE_SPAN(HandshakeLayout, to_worker), SLUICE_SPAN(HandshakeLayout, handshaker_heartbeat)});

using HandshakeSegment = TypedSegment<HandshakeLayout>;

}  // namespace sluice
