#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice top`: rooms, streams, workers and latency of a running server, live. One picture and no more with `--once`, or
/// when standard output is no terminal. Returns the exit status.
int top(std::span<const std::string> arguments);

}  // namespace sluice::cli
