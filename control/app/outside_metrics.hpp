#pragma once

#include "control/app/feature_context.hpp"

namespace sluice::app {

/// Adds to /metrics what is asked of others: hooks, and all HTTP calls that control makes.
void collect_outside(FeatureContext& context);

}  // namespace sluice::app
