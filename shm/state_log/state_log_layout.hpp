#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shm/region/layout_hash.hpp"
#include "shm/region/segment_header.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

/// The first page of a control-state region; the two halves follow, each half of what is left.
struct StateLogLayout {
  static constexpr std::size_t prologue_bytes = 4096;

  SegmentHeader header;
  std::atomic<std::uint64_t> active;                // 0 or 1: the half that counts
  std::array<std::atomic<std::uint64_t>, 2> tails;  // bytes of valid records in each half
};
static_assert(SharedLayout<StateLogLayout> && sizeof(StateLogLayout) == 152);
SLUICE_FIELD(StateLogLayout, header, 0, 128);
SLUICE_FIELD(StateLogLayout, active, 128, 8);
SLUICE_FIELD(StateLogLayout, tails, 136, 16);

/// One record: this, the key, the value, zeros up to a multiple of 8.
struct StateRecord {
  enum class Kind : std::uint32_t { put = 1, erase = 2 };

  std::uint64_t checksum;  // over all that follows, padding included
  Kind kind;
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;
  std::uint32_t reserved;

  [[nodiscard]] static constexpr std::uint64_t value_offset(std::size_t key_bytes) noexcept { return 24 + key_bytes; }
  [[nodiscard]] static constexpr std::uint64_t footprint(std::size_t key_bytes, std::size_t value_bytes) noexcept {
    return (value_offset(key_bytes) + value_bytes + 7) / 8 * 8;
  }
};
static_assert(SharedLayout<StateRecord> && sizeof(StateRecord) == 24 && alignof(StateRecord) == 8);
SLUICE_FIELD(StateRecord, checksum, 0, 8);
SLUICE_FIELD(StateRecord, kind, 8, 4);
SLUICE_FIELD(StateRecord, key_bytes, 12, 4);
SLUICE_FIELD(StateRecord, value_bytes, 16, 4);
SLUICE_FIELD(StateRecord, reserved, 20, 4);

/// What a control-state region of this size must say of itself.
[[nodiscard]] SegmentIdentity state_log_identity(std::size_t region_bytes) noexcept;

/// Bytes of each half in a region of this size: a multiple of 8.
[[nodiscard]] constexpr std::uint64_t state_log_half_bytes(std::size_t region_bytes) noexcept {
  return (region_bytes - StateLogLayout::prologue_bytes) / 2 / 8 * 8;
}

/// Writes a whole record to `place`, which is aligned to 8 and has its footprint of room.
void copy_state_record(std::byte* place, StateRecord::Kind kind, std::string_view key, Bytes value) noexcept;
/// The checksum of the record of `footprint` bytes at `place`.
[[nodiscard]] std::uint64_t state_record_checksum(const std::byte* place, std::uint64_t footprint) noexcept;

}  // namespace sluice
