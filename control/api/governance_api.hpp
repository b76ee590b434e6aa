#pragma once

#include "control/api/http_api.hpp"

namespace sluice {

/// The governance API (contract section 37): HTTP requests as calls of the modules' operations. A module that is not
/// attached gives the contract's empty answer, or 503 for what cannot be done without it.
class GovernanceApi final : public HttpApi {
 public:
  /// Borrowed for life. `write_metrics` is /metrics/prometheus; empty: MetricsCollector is not attached.
  GovernanceApi(const Operations& operations, WriteMetrics write_metrics, Options options);

 private:
  void route(const loop::HttpRequest& request, const Reply& reply) const override;
};

}  // namespace sluice
