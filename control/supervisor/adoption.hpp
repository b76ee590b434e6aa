#pragma once

#include <filesystem>
#include <optional>

#include "control/supervisor/roster.hpp"
#include "control/supervisor/supervisor_config.hpp"
#include "shm/descriptors/descriptor_set.hpp"

namespace sluice::supervisor {

/// What a dead supervisor left behind, from the keeper's hands.
struct Adoption {
  DescriptorSet descriptors;
  Roster roster;
};

/// Under which name the keeper of the server on this media port listens.
[[nodiscard]] std::filesystem::path keeper_path(const std::filesystem::path& folder, std::uint16_t media_port);

/// Asks the keeper of the server that `config` describes. Nothing when there is none, or when a supervisor lives: then the
/// media port is busy, which says it all. From the answer on this process is the server's supervisor. Throws StartError when
/// what runs does not fit `config`.
[[nodiscard]] std::optional<Adoption> look_for_server(const SupervisorConfig& config);

}  // namespace sluice::supervisor
