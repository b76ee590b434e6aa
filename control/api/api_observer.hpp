#pragma once

#include <functional>
#include <string>

#include "control/bus/bus.hpp"
#include "control/loop/http_message.hpp"

namespace sluice {

/// Publishes ApiAccessed for every request that an API answered. `bus` is borrowed.
[[nodiscard]] std::function<void(const loop::HttpRequest&, int status)> api_observer(Bus& bus, std::string api);

}  // namespace sluice
