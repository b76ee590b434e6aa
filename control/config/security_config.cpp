#include "control/config/security_config.hpp"

namespace sluice::config {

SecurityConfig read_security(const nlohmann::json& tree) {
  (void)tree;
  return {};
}

}  // namespace sluice::config
