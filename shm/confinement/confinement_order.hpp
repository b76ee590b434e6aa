#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a process of the server is for: it decides what the process may do (docs/isolation.md).
enum class ProcessRole : std::uint8_t { control, handshaker, keeper, worker };
/// "control", "handshaker", "keeper", "worker".
[[nodiscard]] std::string_view to_string(ProcessRole role) noexcept;

/// What happens to a system call that a process has no business with.
enum class FilterMode : std::uint8_t {
  enforce,  ///< refused; workers and handshaker are killed (SIGSYS)
  log,      ///< done, and noted in the kernel's log: to find out what a filter lacks, not for production
  off,
};
/// "enforce", "log", "off".
[[nodiscard]] std::string_view to_string(FilterMode mode) noexcept;
/// Nothing for any other text.
[[nodiscard]] std::optional<FilterMode> filter_mode_from(std::string_view text) noexcept;

struct UserIds {
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};

/// How the supervisor wants a child to confine itself. It travels on the child's command line.
struct ConfinementOrder {
  std::optional<UserIds> user;  // whom to become; nothing: stay who it is
  FilterMode filter = FilterMode::enforce;
  bool low_ports = false;  // control only: keep the one capability for ports below 1024

  /// "--user=60901", "--group=60901", "--seccomp=enforce", "--low-ports".
  [[nodiscard]] std::vector<std::string> arguments() const;
  /// Reads those among `words`, whatever else stands there. Throws std::invalid_argument for a malformed one.
  [[nodiscard]] static ConfinementOrder from(std::span<char* const> words);
};

}  // namespace sluice
