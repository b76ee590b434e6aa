#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "control/config/server_config.hpp"

namespace sluice::cli {

/// A self-signed certificate for `--lan`, so that browsers of other devices give the page their cameras: ECDSA P-256, for
/// localhost and `addresses` (numeric). Kept in `folder` and made anew when it runs out or the addresses have changed.
/// Throws config::ConfigError when the folder cannot be written.
[[nodiscard]] config::TlsFiles lan_certificate(const std::filesystem::path& folder,
                                               const std::vector<std::string>& addresses);

/// Where it is kept: $XDG_STATE_HOME/sluice, else ~/.local/state/sluice, else sluice-UID in the temporary folder.
[[nodiscard]] std::filesystem::path state_folder();

}  // namespace sluice::cli
