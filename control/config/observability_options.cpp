// Metrics, health, traces, alerts, webhooks, adaptive bitrate.
#include "control/config/option_groups.hpp"

namespace sluice::config {

std::span<const Option> observability_options() noexcept {
  return {};
}

}  // namespace sluice::config
