#pragma once

#include <cstdint>

namespace sluice {

/// What the control process has of memory, in bytes.
struct ProcessMemory {
  std::uint64_t heap_used = 0;   // allocated by the program
  std::uint64_t heap_total = 0;  // held by the allocator for it, in use or not
  std::uint64_t rss = 0;         // resident
  std::uint64_t external = 0;    // resident, but not the allocator's: code, stacks, shared segments
};

/// Reads it now, from /proc/self/statm and the allocator's own figures. Where the allocator has none to give (builds with
/// sanitizers) the resident size stands for the heap.
[[nodiscard]] ProcessMemory read_process_memory();

/// How much memory the process may use: the least of its cgroup's limits (v2 memory.max, v1 limit_in_bytes) and the
/// machine's memory. Never 0.
[[nodiscard]] std::uint64_t memory_limit_bytes();

}  // namespace sluice
