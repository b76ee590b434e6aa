#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice benchmark`: signaling (signaling_benchmark.hpp); or with --media streams: becomes the program sluice-load that
/// lies beside this one, with the same arguments. Returns (1) only when it is not there.
int benchmark(std::span<const std::string> arguments);

}  // namespace sluice::cli
