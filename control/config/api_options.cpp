// Governance API, control socket, dashboard.
#include "control/config/option_groups.hpp"

namespace sluice::config {

std::span<const Option> api_options() noexcept {
  return {};
}

}  // namespace sluice::config
