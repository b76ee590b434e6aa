#include "control/config/api_config.hpp"

namespace sluice::config {

ApiConfig read_api(const nlohmann::json& tree) {
  (void)tree;
  return {};
}

}  // namespace sluice::config
