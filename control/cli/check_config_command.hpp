#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice check-config`: reads configuration as `sluice serve` would with the same arguments, and starts nothing. 0 when a
/// server could start with it, 2 when not.
int check_config(std::span<const std::string> arguments);

}  // namespace sluice::cli
