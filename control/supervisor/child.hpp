#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "control/supervisor/child_process.hpp"
#include "control/supervisor/restart_policy.hpp"
#include "control/supervisor/watchdog.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// One place in the server that a process must fill: it starts it, sees it hang or die and starts it again.
class Child {
 public:
  /// What the place needs to know about its processes.
  struct Role {
    std::string name;                                   // "worker-0", for logs
    std::function<Launch()> launch;                     // asked anew for each start
    std::function<std::uint64_t(std::uint32_t)> beats;  // by pid; 0: none yet
  };
  /// What became of the process.
  enum class Fate : unsigned char {
    none,     ///< still as before
    died,     ///< will be started again
    stopped,  ///< ended after stop()
    refused,  ///< ended with exit_refused before any process of this place had worked
  };

  Child(Role role, const ProcessLog& log) : role_(std::move(role)), log_(log) {}

  /// Starts the process if none runs and its time has come. Throws StartError when it cannot be started at all.
  void start_if_due(TimePoint now);
  /// Kills the process if its heartbeat stands still.
  void look(TimePoint now);
  /// Takes notice of its end, if it has ended.
  [[nodiscard]] Fate reap(TimePoint now);
  /// Asks it to end; it will not be started again.
  void stop();
  /// Ends it.
  void kill() const;
  /// Passes a signal on.
  void signal(int number) const;

  [[nodiscard]] bool running() const noexcept { return process_.has_value(); }
  /// Readable when it has ended; -1 when none runs.
  [[nodiscard]] int pidfd() const noexcept { return process_ ? process_->pidfd() : -1; }
  /// When start_if_due has something to do; `never` while it runs.
  [[nodiscard]] TimePoint next_start() const noexcept { return running() || stopping_ ? never : start_at_; }

 private:
  Role role_;
  const ProcessLog& log_;
  std::optional<ChildProcess> process_;
  RestartPolicy restarts_;
  Watchdog watchdog_;
  TimePoint start_at_{};  // at once
  bool worked_ = false;   // some process of this place has beaten
  bool stopping_ = false;
};

}  // namespace sluice::supervisor
