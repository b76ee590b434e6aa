#include "control/app/dialect_ports.hpp"

#include <algorithm>
#include <utility>

#include "control/observability/log.hpp"

namespace sluice::app {

struct DialectPorts::Port {
  /// All of a listener's requests for one route.
  class Whole final : public loop::Route {
   public:
    explicit Whole(loop::Route& route) : route_(route) {}
    [[nodiscard]] bool claims(const loop::RequestHead& head) const override {
      (void)head;
      return true;
    }
    [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request) override {
      return route_.upgrade(request);
    }
    void http(const loop::HttpRequest& request, loop::HttpReply reply) override { route_.http(request, std::move(reply)); }
    void http_arriving(const loop::RequestHead& head, const loop::HttpReply& reply) override {
      route_.http_arriving(head, reply);
    }
    void http_too_large(const loop::RequestHead& head, const loop::HttpReply& reply) override {
      route_.http_too_large(head, reply);
    }

   private:
    loop::Route& route_;
  };

  explicit Port(loop::Route& route) : whole(route) { routes.add(whole); }
  Whole whole;
  loop::Routes routes;
};

void DialectPorts::open(const std::string& dialect, std::optional<std::uint16_t> port, loop::Route& route) {
  if (!port) return;
  ports_.push_back(std::make_shared<Port>(route));
  const config::SignalingConfig& signaling = config_.signaling;
  loop::ListenerConfig listener;
  listener.name = dialect;
  listener.host = signaling.host;
  listener.port = *port;
  if (signaling.tls) {
    listener.tls_cert = signaling.tls->cert;
    listener.tls_key = signaling.tls->key;
  }
  listener.trust_proxy = signaling.trust_proxy;
  listener.allowed_origins = signaling.allowed_origins;
  listener.limit_exempt = config_.security.limit_exempt;
  listener.body_bytes_max = std::max(listener.body_bytes_max, config_.dialects.socketio.max_payload_bytes);
  listener.routes = &ports_.back()->routes;
  const std::uint16_t bound = web_.listen(std::move(listener));
  log::info("dialect listens", {{"dialect", dialect}, {"port", bound}});
}

}  // namespace sluice::app
