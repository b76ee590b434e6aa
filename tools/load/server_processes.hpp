#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::load {

/// What one process has used, as /proc tells.
struct ProcessUse {
  std::string name;            ///< of the program
  std::int64_t cpu_ns = 0;     ///< all threads, since its start (schedstat)
  std::int64_t rss_bytes = 0;  ///< resident
};

/// The processes of one name: a process that died and its successors count together.
struct ProcessGroup {
  std::string name;
  std::int64_t cpu_ns = 0;  ///< since mark()
  std::int64_t rss_before = 0;
  std::int64_t rss_after = 0;
  std::uint64_t processes = 0;  ///< that lived at some time since mark()
};

/// The processes of a server on this machine: one process and its descendants, followed while they come and go.
class ServerProcesses {
 public:
  /// Nothing when there is no process `root`.
  [[nodiscard]] static std::optional<ServerProcesses> of(pid_t root);
  /// The tree of programs named sluice* whose member listens on this TCP port; nothing when none is found here (another
  /// machine, another user's).
  [[nodiscard]] static std::optional<ServerProcesses> listening_on(std::uint16_t port);

  /// Looks who lives; call now and then, so that the use of processes that die is known.
  void look();
  /// Resident sizes before the load.
  void mark_memory();
  /// CPU time counts from here on.
  void mark();
  [[nodiscard]] std::vector<ProcessGroup> groups() const;
  /// Growth of the resident memory of all since mark_memory().
  [[nodiscard]] std::int64_t memory_growth() const;

 private:
  struct Known {
    ProcessUse use;
    std::int64_t cpu_at_mark = 0;
    bool alive = true;
    bool since_mark = true;
  };
  explicit ServerProcesses(pid_t root);
  std::map<pid_t, Known> known_;
  std::map<std::string, std::int64_t> memory_before_;  // by name
};

/// Nothing when there is no such process.
[[nodiscard]] std::optional<ProcessUse> use_of(pid_t process);

}  // namespace sluice::load
