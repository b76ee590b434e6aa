#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "sluice/server.hpp"

namespace sluice::embedding {

/// The `signaling` section of a server's configuration: what was set, by the contract's names.
[[nodiscard]] nlohmann::json signaling_tree(const rooms::ServerOptions& options);
/// The admission hook as the server asks it: {peer, roomId, ip} -> {allow, [reason], [metadata]}.
[[nodiscard]] std::function<nlohmann::json(const nlohmann::json&)> hook_of(rooms::BeforeJoin hook);

}  // namespace sluice::embedding
