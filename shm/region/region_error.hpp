#pragma once

#include <cstdint>
#include <string>

namespace sluice {

/// Why a region or segment could not be made or was refused. The header faults name the field that differs.
enum class RegionFault : std::uint8_t {
  create_failed,      // memfd_create, ftruncate or fcntl
  map_failed,         // dup, fstat or mmap
  not_sealed,         // the other side could shrink it under us: found/expected are seals
  too_small,          // fewer bytes than the layout needs
  not_ready,          // its creator has not finished, or died before it did
  wrong_magic,        // not a segment of ours
  wrong_kind,         // a segment of another kind
  wrong_layout_hash,  // built from other structs
  wrong_version,      // another major version
  wrong_size,         // the layout's size differs
  corrupt,            // a value inside is impossible
};

struct RegionError {
  RegionFault fault = RegionFault::corrupt;
  int system_error = 0;        // errno, 0 when no call failed
  std::uint64_t found = 0;     // the field's value in the segment
  std::uint64_t expected = 0;  // and ours
  /// One sentence: which field differs, what was found and expected, errno in words.
  [[nodiscard]] std::string to_string() const;
};

}  // namespace sluice
