#pragma once

#include <deque>
#include <string>

#include "control/signaling/socketio/socket_server.hpp"

namespace sluice::socketio {

/// The application of the conformance mode (contract section 9): in `/` and `/custom`, `auth` with the CONNECT's auth
/// object; in `/` also `message` -> `message-back`, and `message-with-ack` acknowledged with its arguments.
class EchoApplication final : public Application {
 public:
  explicit EchoApplication(SocketServer& server) : server_(server) {}
  /// `auth` follows the CONNECT's answer in a segment of its own: the suites' clients listen for the next message only after
  /// they have seen one.
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return greetings_.empty() ? never : greetings_.front().due; }

  ConnectDecision connect(const ConnectRequest&, TimePoint) override { return ConnectAccepted{}; }
  void on_connect(SocketKey socket, const ConnectRequest& request, TimePoint now) override;
  void on_recover(SocketKey, const ConnectRequest&, std::string_view, TimePoint) override {}
  void on_event(SocketKey socket, const Event& event, TimePoint now) override;
  void on_disconnecting(SocketKey, DisconnectReason, TimePoint) override {}
  [[nodiscard]] std::string save(SocketKey) const override { return {}; }

 private:
  struct Greeting {
    TimePoint due;
    SocketKey socket;
    std::string auth;
  };
  SocketServer& server_;
  std::deque<Greeting> greetings_;  // one for each socket at most, as long as it takes
};

/// The bare echo of the conformance mode: every message comes back as it came.
class EngineEcho final : public EngineHandler {
 public:
  void attach(EngineServer& engine) { engine_ = &engine; }
  void on_open(SessionKey, std::string_view, std::uint8_t, TimePoint) override {}
  void on_message(SessionKey session, std::string_view data, bool binary, TimePoint now) override;
  void on_close(SessionKey, CloseReason, TimePoint) override {}

 private:
  EngineServer* engine_ = nullptr;
};

/// The settings that contract section 9 wants.
[[nodiscard]] EngineSettings conformance_settings();

}  // namespace sluice::socketio
