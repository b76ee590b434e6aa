#pragma once

#include "control/embedding/rpc_client.hpp"
#include "sluice/error.hpp"

namespace sluice::embedding {

/// What a failed call throws.
[[nodiscard]] rooms::Error error_of(const CallFailure& failure);

}  // namespace sluice::embedding
