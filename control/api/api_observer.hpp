#pragma once

#include <functional>
#include <string>

#include "control/api/rpc_session.hpp"
#include "control/bus/bus.hpp"
#include "control/loop/http_message.hpp"

namespace sluice {

/// Publishes ApiAccessed for every request that an API answered. `bus` is borrowed.
[[nodiscard]] std::function<void(const loop::HttpRequest&, int status)> api_observer(Bus& bus, std::string api);

/// The same for what is asked by JSON-RPC, over the control socket and by the dashboard.
[[nodiscard]] RpcServices::Observer rpc_observer(Bus& bus);

}  // namespace sluice
