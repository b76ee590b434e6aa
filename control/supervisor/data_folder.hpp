#pragma once

#include <optional>

#include "control/supervisor/supervisor_config.hpp"
#include "shm/confinement/confinement_order.hpp"
#include "shm/descriptors/descriptor.hpp"
#include "shm/log/process_log.hpp"

namespace sluice::supervisor {

/// Opens a folder for files of control, making it (and those above it) if it is missing. When control becomes a user of its
/// own, `owner`, the folder and control's files in it are given to that user: only if we made it, or if it holds nothing but
/// such files, since a folder named by mistake (/etc) must stay whose it is. Invalid when it cannot be opened; `log` says
/// why.
[[nodiscard]] Descriptor open_data_folder(const DataFolder& folder, std::optional<UserIds> owner, const ProcessLog& log);

}  // namespace sluice::supervisor
