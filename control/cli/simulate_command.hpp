#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice simulate` (contract section 39): several servers on consecutive ports until a signal comes.
int simulate(std::span<const std::string> arguments);

}  // namespace sluice::cli
