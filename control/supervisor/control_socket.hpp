#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::supervisor {

/// Where the control socket is to be, and who may open it.
struct ControlSocketPlace {
  std::filesystem::path path;  // empty: none is wanted
  std::uint32_t mode = 0600;
  std::string group;           // empty: as it is made
  bool was_asked_for = false;  // then not getting it is an error, else a line in the log
};

/// The listening stream socket, for control; bytes are never read from it here. What nobody listens at any more is
/// replaced. Invalid, with `reason`, when it cannot be had and was not asked for; else throws StartError.
[[nodiscard]] Descriptor open_control_socket(const ControlSocketPlace& place, std::string& reason);

/// Whether `socket` is bound to this path.
[[nodiscard]] bool listens_at(int socket, const std::filesystem::path& path);

}  // namespace sluice::supervisor
