#include "control/config/policy_config.hpp"

namespace sluice::config {

PolicyConfig read_policy(const nlohmann::json& tree) {
  (void)tree;
  return {};
}

}  // namespace sluice::config
