#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/supervisor/roster.hpp"
#include "control/supervisor/supervisor_config.hpp"
#include "shm/descriptors/descriptor_set.hpp"

namespace sluice::supervisor {

/// What a dead supervisor left behind, from the keeper's hands or, when that one is dead as well, from the service
/// manager's.
struct Adoption {
  DescriptorSet descriptors;
  Roster roster;
  /// What the service manager stores of it; empty: all came from the keeper.
  std::vector<std::string> stored{};
};

/// Under which name the keeper of this server listens.
[[nodiscard]] std::filesystem::path keeper_path(const SupervisorConfig& config);

/// Asks the keeper of the server that `config` describes; without one, takes what the service manager handed back at this
/// start (ServiceStore). Nothing when there is neither, or when a supervisor lives: then the media port is busy, which says
/// it all. From the answer on this process is the server's supervisor. Throws StartError when what runs does not fit
/// `config`.
[[nodiscard]] std::optional<Adoption> look_for_server(const SupervisorConfig& config);

/// What look_for_server() would refuse: throws StartError when the server whose roster comes over `socket` is not the one
/// that `config` asks for, or is of another layout. Changes nothing.
void check_takeover(int socket, const SupervisorConfig& config);
/// N of "--descriptors=N", with which ChildProcess tells a child where its descriptors come; nothing for another word.
[[nodiscard]] std::optional<int> descriptors_argument(std::string_view word);

}  // namespace sluice::supervisor
