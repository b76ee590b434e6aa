#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "control/api/operations.hpp"
#include "control/loop/http_message.hpp"
#include "control/observability/prometheus_text.hpp"

namespace sluice {

/// The governance API (contract section 37): HTTP requests as calls of the modules' operations. A module that is not
/// attached gives the contract's empty answer, or 503 for what cannot be done without it.
class GovernanceApi {
 public:
  struct Options {
    std::string secret;             // bearer; empty: none is asked for
    std::string prefix = "/admin";  // paths work with and without it
  };
  using Reply = std::function<void(loop::HttpResponse)>;
  using Observer = std::function<void(const loop::HttpRequest&, int status)>;

  /// Borrowed for life. `metrics` writes /metrics/prometheus; empty: MetricsCollector is not attached.
  GovernanceApi(const Operations& operations, std::function<void(PrometheusText&)> metrics, Options options);

  void set_observer(Observer observer) { observer_ = std::move(observer); }
  void set_openapi(std::string_view document) { openapi_ = document; }

  /// Answers once, at once or later.
  void handle(const loop::HttpRequest& request, const Reply& reply) const;
  /// For listeners that must be answered at once: 503 for what is not.
  [[nodiscard]] loop::HttpResponse handle(const loop::HttpRequest& request) const;

 private:
  void route(const loop::HttpRequest& request, const Reply& reply) const;

  const Operations& operations_;
  std::function<void(PrometheusText&)> metrics_;
  Options options_;
  Observer observer_;
  std::string_view openapi_;
};

}  // namespace sluice
