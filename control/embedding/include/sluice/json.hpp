#pragma once

#include <nlohmann/json.hpp>

namespace sluice::rooms {

/// Metadata, messages, payloads: whatever clients and operators say to each other.
using Json = nlohmann::json;

}  // namespace sluice::rooms
