#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string_view>

#include "control/config/server_config.hpp"

namespace sluice::cli {

/// The process of the supervisor that has these media ports and addresses, asked for by its socket in the runtime folder;
/// nothing when none runs, or when this user may not connect.
[[nodiscard]] std::optional<pid_t> running_server(const config::MediaConfig& media);

/// The soft limit called `name` ("Max open files") in a text of the form of /proc/PID/limits; nothing when it is not there.
[[nodiscard]] std::optional<rlim_t> soft_limit(std::string_view limits, std::string_view name);

}  // namespace sluice::cli
