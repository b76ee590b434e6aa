#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice serve`: configures and runs the supervisor. Returns the exit status; every error is one sentence on standard
/// error.
int serve(std::span<const std::string> arguments);

}  // namespace sluice::cli
