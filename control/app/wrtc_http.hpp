#pragma once

#include "control/loop/route.hpp"
#include "control/signaling/wrtcsignal/app_endpoint.hpp"
#include "control/signaling/wrtcsignal/wrtc_demo.hpp"

namespace sluice::app {

/// The HTTP side of wrtc-signal (contract wrtc-signal.md sections 2 and 9): `/app` and the demo page, on the shared port.
class WrtcHttp final : public loop::Route {
 public:
  /// Borrowed for life.
  WrtcHttp(const WrtcAppEndpoint& endpoint, const WrtcDemo& demo) : endpoint_(endpoint), demo_(demo) {}
  [[nodiscard]] bool claims(const loop::RequestHead& head) const override {
    return head.path == "/app" || WrtcDemo::claims(head.path);
  }
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;

 private:
  [[nodiscard]] loop::HttpResponse page(const loop::HttpRequest& request) const;
  const WrtcAppEndpoint& endpoint_;
  const WrtcDemo& demo_;
};

/// A port of wrtc-signal's own: Socket.IO, `/app`, the demo page, 401 at its root, 404 elsewhere.
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
