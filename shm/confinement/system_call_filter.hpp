#pragma once

#include <cstdint>
#include <string>

#include "shm/confinement/confinement_order.hpp"

namespace sluice {

/// What became of a filter.
struct FilterOutcome {
  enum class State : std::uint8_t {
    enforced,
    logged,       ///< FilterMode::log
    off,          ///< FilterMode::off
    sanitized,    ///< a sanitizer needs calls that nobody knows beforehand: no filter
    unavailable,  ///< the kernel, or the container around us, has no seccomp
  };
  State state = State::off;
  int error = 0;  // errno, with `unavailable`
  /// For the log: "enforced", "unavailable (Function not implemented)".
  [[nodiscard]] std::string to_string() const;
};

/// Forbids this process, for the rest of its life, the system calls that its role has no business with (the tables stand in
/// system_call_filter.cpp and in docs/isolation.md). To be called when everything is open and warmed up. Workers and
/// handshaker may do what is listed, anything else kills them with SIGSYS; control is refused (EPERM) what is listed; the
/// keeper as workers. One thread must be running.
[[nodiscard]] FilterOutcome forbid_system_calls(ProcessRole role, FilterMode mode);

}  // namespace sluice
