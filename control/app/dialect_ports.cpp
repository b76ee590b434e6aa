#include "control/app/dialect_ports.hpp"

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
  loop::ListenerConfig listener;
  listener.name = dialect;
  listener.host = signaling_.host;
  listener.port = *port;
  if (signaling_.tls) {
    listener.tls_cert = signaling_.tls->cert;
    listener.tls_key = signaling_.tls->key;
  }
  listener.trust_proxy = signaling_.trust_proxy;
  listener.allowed_origins = signaling_.allowed_origins;
  listener.routes = &ports_.back()->routes;
  const std::uint16_t bound = web_.listen(std::move(listener));
  log::info("dialect listens", {{"dialect", dialect}, {"port", bound}});
}

}  // namespace sluice::app
