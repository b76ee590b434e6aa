#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice serve`: configures and runs the supervisor. Returns the exit status; every error is one sentence on standard
/// error.
int serve(std::span<const std::string> arguments);

/// `sluice check-takeover`: whether `sluice serve` with these arguments would take over the server that runs. The running
/// supervisor asks this of a new build, before anything of an upgrade is changed, and passes the roster behind
/// "--descriptors=N", the last argument. The exit status says it, and one sentence on standard output why not.
int check_takeover(std::span<const std::string> arguments);

}  // namespace sluice::cli
