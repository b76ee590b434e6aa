#include "control/config/dialects_config.hpp"

namespace sluice::config {

DialectsConfig read_dialects(const nlohmann::json& tree) {
  (void)tree;
  return {};
}

}  // namespace sluice::config
