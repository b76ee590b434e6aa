#pragma once

#include <cstdint>
#include <string>

namespace sluice::cli {

/// Throws config::ConfigError when TCP `port` (0 = any) on `host` (numeric; empty = all addresses) cannot be listened on, so
/// that a mistake is told before any process is started. `option` is what the person may change: "signaling.port".
void check_tcp_port(const std::string& host, std::uint16_t port, const std::string& option);

}  // namespace sluice::cli
