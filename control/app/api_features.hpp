#pragma once

#include "control/app/feature_context.hpp"

namespace sluice::app {

void add_api_features(FeatureContext& context, Features& features);

}  // namespace sluice::app
