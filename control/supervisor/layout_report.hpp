#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/region/segment_header.hpp"

namespace sluice::supervisor {

/// Reads what `sluice-worker --describe-layout` prints: "KIND MAJOR.MINOR HASH SIZE" a line. Nothing for anything else.
[[nodiscard]] std::optional<std::vector<SegmentIdentity>> parse_layouts(std::string_view text);

/// Why a program with these layouts cannot go on with segments of those that `present` names; empty when it can: for each
/// kind the same major version, hash and size.
[[nodiscard]] std::string why_not_adoptable(const std::vector<SegmentIdentity>& present,
                                            const std::vector<SegmentIdentity>& next);

}  // namespace sluice::supervisor
