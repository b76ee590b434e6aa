#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/region/region_error.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

enum class SegmentKind : std::uint32_t { shared = 1, recovery = 2, handshake = 3, control_state = 4, pulse = 5, roster = 6, relay = 7 };

/// What a process expects of a segment, and what its creator writes into it.
struct SegmentIdentity {
  SegmentKind kind{};
  std::uint16_t major = 0;
  std::uint16_t minor = 0;  // informative: a change that old readers need not know; any is accepted
  std::uint64_t layout_hash = 0;
  std::uint64_t size_bytes = 0;  // of the layout; the region may be larger
};

/// The first bytes of every segment.
struct SegmentHeader {
  static constexpr std::uint64_t expected_magic = 0x31304543'49554c53ULL;  // "SLUICE01" in memory

  std::uint64_t magic;
  std::uint32_t kind;
  std::uint16_t major;
  std::uint16_t minor;
  std::uint64_t layout_hash;
  std::uint64_t size_bytes;
  std::uint64_t incarnation;         // of the segment: how often its owner had to be given a new one
  std::atomic<std::uint32_t> ready;  // 1: everything above and behind is initialised. Stored last with release
  std::uint32_t reserved[21];
};
static_assert(SharedLayout<SegmentHeader> && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(SegmentHeader) == 128 && alignof(SegmentHeader) == 8);
SLUICE_FIELD(SegmentHeader, magic, 0, 8);
SLUICE_FIELD(SegmentHeader, kind, 8, 4);
SLUICE_FIELD(SegmentHeader, major, 12, 2);
SLUICE_FIELD(SegmentHeader, minor, 14, 2);
SLUICE_FIELD(SegmentHeader, layout_hash, 16, 8);
SLUICE_FIELD(SegmentHeader, size_bytes, 24, 8);
SLUICE_FIELD(SegmentHeader, incarnation, 32, 8);
SLUICE_FIELD(SegmentHeader, ready, 40, 4);

/// Fills in the header of a zeroed segment without making it ready.
void describe_segment(SegmentHeader& header, const SegmentIdentity& identity, std::uint64_t incarnation) noexcept;
/// The last step of a creator.
void publish_segment(SegmentHeader& header) noexcept;
/// True while the creator has not published: such a segment holds nothing and may be formatted again.
[[nodiscard]] bool segment_is_unready(const SegmentHeader& header) noexcept;
/// Reads readiness first (acquire), then compares field by field; refuses with the first that differs. `segment` is the
/// whole region, which must be aligned to 8.
[[nodiscard]] Result<void, RegionError> check_segment(Bytes segment, const SegmentIdentity& expected) noexcept;

}  // namespace sluice
