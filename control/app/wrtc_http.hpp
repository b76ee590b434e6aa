#pragma once

#include "control/loop/route.hpp"
#include "control/signaling/wrtcsignal/app_endpoint.hpp"

namespace sluice::app {

/// The HTTP side of wrtc-signal (contract wrtc-signal.md section 2): `/app` on the shared port.
class WrtcHttp final : public loop::Route {
 public:
  /// Borrowed for life.
  explicit WrtcHttp(const WrtcAppEndpoint& endpoint) : endpoint_(endpoint) {}
  [[nodiscard]] bool claims(const loop::RequestHead& head) const override { return head.path == "/app"; }
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;

 private:
  const WrtcAppEndpoint& endpoint_;
};

/// A port of wrtc-signal's own: Socket.IO, `/app`, 401 at its root, 404 elsewhere.
class WrtcPort final : public loop::Route {
 public:
  WrtcPort(WrtcHttp& http, loop::Route& socketio) : http_(http), socketio_(socketio) {}
  [[nodiscard]] bool claims(const loop::RequestHead& head) const override {
    (void)head;
    return true;
  }
  [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request) override {
    return socketio_.upgrade(request);
  }
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;

 private:
  WrtcHttp& http_;
  loop::Route& socketio_;
};

}  // namespace sluice::app
