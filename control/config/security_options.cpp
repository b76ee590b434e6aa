// Limits, threats, backpressure, audit, sessions, replay, retention, and the store that keeps them.
#include "control/config/option_groups.hpp"

namespace sluice::config {

std::span<const Option> security_options() noexcept {
  return {};
}

}  // namespace sluice::config
