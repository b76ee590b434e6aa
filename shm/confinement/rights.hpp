#pragma once

#include "shm/confinement/confinement_order.hpp"

namespace sluice {

/// The first thing that a process of the server does: becomes the user it is told to be, without supplementary groups;
/// gives up every capability and the possibility to get one (bounding set, no_new_privs); takes limits that its work does
/// not need (rights.cpp); keeps its memory out of core dumps and away from other processes of the same user. What cannot
/// fail on a sound system is best effort. Throws std::runtime_error when it could not become the user or could not lose a
/// capability: better no process than one with rights that nobody expects.
void give_up_rights(ProcessRole role, const ConfinementOrder& order);

/// The rest of it, once all memory with keys is mapped: where RLIMIT_MEMLOCK could not be raised, workers and handshaker
/// keep the capability to lock memory until then. Throws std::runtime_error.
void give_up_last_rights(ProcessRole role, const ConfinementOrder& order);

/// What the process may still do, for its log: "60901" (user), "none" or a mask in hexadecimal (effective capabilities).
[[nodiscard]] std::string own_user();
[[nodiscard]] std::string own_capabilities();

}  // namespace sluice
