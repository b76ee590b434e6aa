#pragma once

#include "control/app/feature_context.hpp"

namespace sluice::app {

/// protoo and PartyKit rooms, with the names of their rooms and ports of their own.
void add_peer_dialects(FeatureContext& context, Features& features);

}  // namespace sluice::app
