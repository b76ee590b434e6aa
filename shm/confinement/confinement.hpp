#pragma once

#include <string>

#include "shm/confinement/confinement_order.hpp"

namespace sluice {

/// What a process may do once it is at work, for its log.
struct Confined {
  std::string user;          // "60901"
  std::string capabilities;  // "none", or a mask in hexadecimal
  std::string system_calls;  // FilterOutcome::to_string()
  /// Address space whose pages stay in memory once they are touched: "553 MiB". "none" where keys may go to swap.
  std::string locked_memory;
};

/// The second half of a process's confinement, after give_up_rights() and when everything is open and locked: gives up
/// what was kept to get there and forbids the system calls that its work does not need. Throws std::runtime_error when a
/// capability cannot be lost.
[[nodiscard]] Confined finish_confinement(ProcessRole role, const ConfinementOrder& order);

}  // namespace sluice
