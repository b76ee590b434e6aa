#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice upgrade PATH`: moves the running server to the build in the folder PATH, calls running. Prints one line for each
/// step and returns 0 when everything runs the new build; an error is one sentence on standard error and another status.
int upgrade(std::span<const std::string> arguments);

}  // namespace sluice::cli
