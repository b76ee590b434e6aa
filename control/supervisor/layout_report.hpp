#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/region/segment_header.hpp"

namespace sluice::supervisor {

/// The layout that a build has for the segments of one name (docs/shared-memory.md).
struct DescribedSegment {
  std::string name;
  SegmentIdentity identity;  // its kind is not told
};

/// Reads what `sluice-worker --describe-layout` prints: "NAME MAJOR.MINOR HASH SIZE" a line. Nothing for anything else.
[[nodiscard]] std::optional<std::vector<DescribedSegment>> parse_layouts(std::string_view text);

/// Why a program with these layouts cannot go on with segments of those that `present` names; empty when it can: for each
/// name the same major version, hash and size. It may know more names.
[[nodiscard]] std::string why_not_adoptable(const std::vector<DescribedSegment>& present,
                                            const std::vector<DescribedSegment>& next);

}  // namespace sluice::supervisor
