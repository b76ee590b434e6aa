#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "control/app/dialect_ports.hpp"
#include "control/app/feature.hpp"
#include "control/app/feature_context.hpp"
#include "control/app/socketio_edge.hpp"
#include "control/app/wrtc_http.hpp"
#include "control/signaling/room_names/room_names.hpp"
#include "control/signaling/rtcio/rtcio_dialect.hpp"
#include "control/signaling/socketio/echo.hpp"
#include "control/signaling/wrtcsignal/wrtc_dialect.hpp"

namespace sluice::app {

/// rtc.io and wrtc-signal on one Socket.IO endpoint. On the shared port a CONNECT with a token is wrtc-signal's, one without
/// is rtc.io's; a dialect's own port is its alone.
class SocketioFeature final : public Feature {
 public:
  /// Borrowed for life. Adds its routes and opens the dialects' own ports. Throws config::ConfigError, loop::ListenError.
  explicit SocketioFeature(FeatureContext& context);

  void restored(TimePoint now) override;
  void attached(std::string_view module) override;
  void handle_timeout(TimePoint now) override { engine_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_deadline() const override { return engine_.next_deadline(); }
  void stop() override;

 private:
  enum Entrance : std::uint8_t { shared, only_rtcio, only_wrtc };
  socketio::Endpoint* choose(std::string_view name_space, const JsonView& auth, std::uint8_t entrance);
  void write(PrometheusText& out) const;

  FeatureContext& context_;
  RoomNames names_;
  DialectPorts ports_;
  socketio::Endpoint rtcio_endpoint_;
  socketio::Endpoint wrtc_endpoint_;
  SocketioEdge edge_;
  socketio::SocketServer server_;
  socketio::EngineServer engine_;
  std::optional<RtcioDialect> rtcio_;
  std::optional<WrtcTokens> tokens_;
  std::optional<WrtcDialect> wrtc_;
  std::optional<WrtcAppEndpoint> app_endpoint_;
  std::optional<WrtcDemo> demo_;
  std::optional<WrtcHttp> wrtc_http_;
  std::vector<std::unique_ptr<SocketioEntrance>> entrances_;
  std::vector<std::unique_ptr<loop::Route>> routes_;
};

/// The echo servers of `dialects.socketio.conformance`, to loopback only (contract socketio, section 9).
class SocketioConformance final : public Feature {
 public:
  explicit SocketioConformance(FeatureContext& context);

  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;

 private:
  SocketioEdge socket_edge_;
  SocketioEdge engine_edge_;
  socketio::Endpoint main_;
  socketio::Endpoint custom_;
  socketio::SocketServer server_;
  socketio::EngineEcho bare_;
  socketio::EngineServer socket_engine_;
  socketio::EngineServer bare_engine_;
  socketio::EchoApplication echo_;
  SocketioEntrance socket_entrance_;
  SocketioEntrance engine_entrance_;
};

/// Socket.IO as the configuration has it: the dialects, the conformance mode, or nothing.
void add_socketio(FeatureContext& context, Features& features);

}  // namespace sluice::app
