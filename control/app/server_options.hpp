#pragma once

#include <cstdint>
#include <vector>

#include "control/config/server_config.hpp"
#include "control/loop/route.hpp"
#include "control/loop/web_server.hpp"
#include "control/rooms/publications.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/native/native_dialect.hpp"
#include "control/signaling/native/sfu_signaling.hpp"

/// The configuration in the words of the modules that ControlServer is made of.
namespace sluice::app {

[[nodiscard]] SignalingOptions signaling_options(const config::SignalingConfig& config);
[[nodiscard]] SessionOptions session_options(const config::ServerConfig& config);
[[nodiscard]] SignalingOptions native_options(const config::ServerConfig& config);
[[nodiscard]] SfuOptions sfu_options(const config::ServerConfig& config);
/// Where clients are told to send media of worker `index`.
[[nodiscard]] std::vector<SocketAddress> announced_addresses(const config::MediaConfig& media, std::uint16_t index);
/// The port of signaling and page; `routes` and `handler` are borrowed for its life.
[[nodiscard]] loop::ListenerConfig signaling_listener(const config::SignalingConfig& config, const loop::Routes& routes,
                                                      loop::WebSocketHandler& handler);

}  // namespace sluice::app
