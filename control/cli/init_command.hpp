#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice init [DIR] [--template NAME]` (contract section 39): a folder with a configuration that starts.
int init(std::span<const std::string> arguments);

}  // namespace sluice::cli
