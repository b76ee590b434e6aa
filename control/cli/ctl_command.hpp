#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "shm/types/result.hpp"

namespace sluice::cli {

/// `sluice ctl METHOD [PARAMS]`: one call over the control socket, or a stream of events. 0 when done, 1 when the server
/// refused or is not there, 2 for wrong arguments.
int ctl(std::span<const std::string> arguments);

/// Parameters as people write them: one JSON object, or name=value words whose values are JSON where that can be read, else
/// text. The error is a sentence.
[[nodiscard]] Result<nlohmann::json, std::string> read_parameters(std::span<const std::string> words);

}  // namespace sluice::cli
