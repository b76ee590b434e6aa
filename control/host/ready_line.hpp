#pragma once

#include <cstdint>
#include <string>

#include "control/config/server_config.hpp"

namespace sluice {

/// "sluice ready: ..." with the URLs at which this server is reached, without the end of the line. The ports are those that
/// are open, which differ from the configured ones where these are 0.
[[nodiscard]] std::string ready_line(const config::ServerConfig& config, std::uint16_t signaling_port,
                                     std::uint16_t admin_port);

}  // namespace sluice
