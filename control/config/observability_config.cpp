#include "control/config/observability_config.hpp"

namespace sluice::config {

ObservabilityConfig read_observability(const nlohmann::json& tree) {
  (void)tree;
  return {};
}

}  // namespace sluice::config
