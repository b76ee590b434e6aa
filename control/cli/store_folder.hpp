#pragma once

#include <cstdint>
#include <filesystem>

#include "control/config/sources.hpp"

namespace sluice::cli {

/// Where a server keeps lasting state that was told no `store.path`: a folder of its own, which its media port tells from
/// those of other servers of this user, in the first place that can be had of
///
///   1. what systemd gives (STATE_DIRECTORY), which is one server's already
///   2. /var/lib/sluice, for root
///   3. $XDG_STATE_HOME/sluice, else ~/.local/state/sluice, for others
///   4. `runtime_folder`, which a reboot empties
///
/// Makes the place, not the folder. Empty when there is none.
[[nodiscard]] std::filesystem::path default_store_folder(std::uint16_t media_port, const config::Environment& environment,
                                                         bool is_root, const std::filesystem::path& runtime_folder);

}  // namespace sluice::cli
