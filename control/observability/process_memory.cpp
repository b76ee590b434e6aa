#include "control/observability/process_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>

// jemalloc's control interface. Weak: builds with sanitizers, and tests, run on another allocator.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                                             std::size_t new_size);

namespace sluice {

namespace {

bool read_allocator(const char* name, std::uint64_t& out) {
  std::size_t value = 0;
  std::size_t size = sizeof(value);
  if (mallctl(name, &value, &size, nullptr, 0) != 0) return false;
  out = value;
  return true;
}

bool read_allocator(ProcessMemory& memory) {
  if (mallctl == nullptr) return false;
  std::uint64_t epoch = 1;  // any write makes jemalloc add up its figures anew
  if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)) != 0) return false;
  return read_allocator("stats.allocated", memory.heap_used) && read_allocator("stats.active", memory.heap_total);
}

/// The number in a file of one number; nothing that limits when there is none ("max", no file).
std::uint64_t limit_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t limit = 0;
  return file >> limit && limit > 0 ? limit : UINT64_MAX;
}

std::uint64_t cgroup_limit() {
  std::uint64_t limit =
      std::min(limit_in("/sys/fs/cgroup/memory.max"), limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  // On a host the own group is deeper; each group on the way up to the root limits.
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::string path = line.substr(3); path.size() > 1; path.resize(path.rfind('/')))
      limit = std::min(limit, limit_in("/sys/fs/cgroup" + path + "/memory.max"));
  }
  return limit;
}

}  // namespace

ProcessMemory read_process_memory() {
  ProcessMemory memory;
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  file >> total >> memory.rss;
  memory.rss *= static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (!read_allocator(memory)) memory.heap_used = memory.heap_total = memory.rss;
  memory.external = memory.rss > memory.heap_total ? memory.rss - memory.heap_total : 0;
  return memory;
}

std::uint64_t memory_limit_bytes() {
  const std::uint64_t machine =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return std::max<std::uint64_t>(1, std::min(machine, cgroup_limit()));
}

}  // namespace sluice
