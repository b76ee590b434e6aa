#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice drain`: empties one worker (--worker), or the whole server before its end, over the admin API. Prints where it
/// stands. 0 when done, 1 when the server refused or went away, 2 for wrong arguments.
int drain(std::span<const std::string> arguments);

}  // namespace sluice::cli
