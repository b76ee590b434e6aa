#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// What /proc/PID/stat says of a process (proc(5)).
struct ProcessReading {
  char state = '?';              // R running or runnable, S sleeping, D waiting for a disk, T stopped, t traced, Z dead
  std::uint64_t start_time = 0;  // in clock ticks since boot: with the pid it names a process for good
};

/// Reads it; nothing when there is no such process or /proc hides it.
[[nodiscard]] std::optional<ProcessReading> read_process(pid_t pid);
/// The text of /proc/PID/stat, whose second field (the name) may hold anything.
[[nodiscard]] std::optional<ProcessReading> parse_process_stat(std::string_view stat);

/// The user that a process is (its effective one); nothing as above.
[[nodiscard]] std::optional<std::uint32_t> read_user(pid_t pid);
/// The text of /proc/PID/status.
[[nodiscard]] std::optional<std::uint32_t> parse_user(std::string_view status);

/// How long the first thread of a process has had a CPU (the first field of /proc/PID/schedstat); nothing as above.
[[nodiscard]] std::optional<Duration> read_cpu_time(pid_t pid);

}  // namespace sluice::supervisor
