#pragma once

#include <span>
#include <string>

namespace sluice::cli {

/// `sluice token policy|room|turn`: makes one, without asking a server; the secret is the server's. 0, or 2 for wrong
/// arguments.
int token(std::span<const std::string> arguments);

}  // namespace sluice::cli
