#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/workers/specs.hpp"

namespace sluice::media {

// A producer's layer names and the simulcast rids of its m-line (DESIGN.md, "Layers"): names[i] is the i-th rid, lowest
// first, unless the names are the rids.

/// The rids in the order in which the worker is to number them.
[[nodiscard]] std::vector<std::string> order_rids(const std::vector<std::string>& names,
                                                  const std::vector<std::string>& rids);
/// A ceiling as index into the names -> highest worker layer. The topmost name, and an index beyond them, is no ceiling.
[[nodiscard]] std::uint8_t worker_layer(std::uint8_t ceiling, const std::vector<std::string>& names);
/// What a worker layer is among the names.
[[nodiscard]] std::uint8_t name_index(std::uint8_t layer, const std::vector<std::string>& names);

}  // namespace sluice::media
