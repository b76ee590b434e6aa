#pragma once

#include "control/app/feature_context.hpp"

namespace sluice::app {

void add_dialect_features(FeatureContext& context, Features& features);

}  // namespace sluice::app
