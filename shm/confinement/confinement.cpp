#include "shm/confinement/confinement.hpp"

#include "shm/confinement/rights.hpp"
#include "shm/confinement/system_call_filter.hpp"

namespace sluice {

Confined finish_confinement(ProcessRole role, const ConfinementOrder& order) {
  give_up_last_rights(role, order);
  // Asked before it is forbidden to ask.
  Confined confined{own_user(), own_capabilities(), {}};
  confined.system_calls = forbid_system_calls(role, order.filter).to_string();
  return confined;
}

}  // namespace sluice
