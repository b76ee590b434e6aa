#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// sluice audit verify FILE... --key-file K [--checkpoint FILE]: whether an audit log is what the server wrote. Exit status
/// 0: intact; 1: not; 2: it could not be judged. sluice audit checkpoint FILE... --key-file K: verifies, then prints where
/// the chain stands, to be kept elsewhere.
int audit(std::span<const std::string> arguments);

}  // namespace sluice::cli
