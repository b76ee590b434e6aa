#pragma once

#include "control/app/feature_context.hpp"

namespace sluice::app {

/// Admission, tokens, TURN, consent, residency, moderation, end-to-end keys: what the configuration attaches.
void add_policy_features(FeatureContext& context, Features& features);

}  // namespace sluice::app
