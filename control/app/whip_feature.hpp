#pragma once

#include "control/app/feature_context.hpp"

namespace sluice::app {

/// WHIP and WHEP on the signaling port, when they are enabled and there is media to serve.
void add_whip(FeatureContext& context, Features& features);

}  // namespace sluice::app
