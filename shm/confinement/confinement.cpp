#include "shm/confinement/confinement.hpp"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "shm/confinement/rights.hpp"
#include "shm/confinement/system_call_filter.hpp"

namespace sluice {
namespace {

/// From /proc/self/status, which can be opened until the filter is there.
std::string locked_memory() {
  constexpr std::string_view field = "\nVmLck:";
  std::ifstream file("/proc/self/status");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t at = text.find(field);
  const std::uint64_t kib = at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + field.size(), nullptr, 10);
  return kib == 0 ? "none" : std::to_string(kib / 1024) + " MiB";
}

}  // namespace

Confined finish_confinement(ProcessRole role, const ConfinementOrder& order) {
  give_up_last_rights(role, order);
  // Asked before it is forbidden to ask.
  Confined confined{own_user(), own_capabilities(), {}, locked_memory()};
  confined.system_calls = forbid_system_calls(role, order.filter).to_string();
  return confined;
}

}  // namespace sluice
