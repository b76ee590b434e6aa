#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice health [URL] [--secret S]` (contract section 39). 0 when the server is well.
int health(std::span<const std::string> arguments);

}  // namespace sluice::cli
