#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "control/supervisor/child_process.hpp"
#include "control/supervisor/hang_judge.hpp"
#include "control/supervisor/restart_policy.hpp"
#include "shm/descriptors/worker_assignment.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// One place in the server that a process must fill: it starts it, sees it hang or die and starts it again.
class Child {
 public:
  /// What a process that takes the place is told of those before it.
  struct Start {
    PredecessorFate fate = PredecessorFate::none;
    bool blank = false;  // its predecessors died at once, again and again: begin with empty state
  };
  /// What the place needs to know about its processes.
  struct Role {
    std::string name;                                   // "worker-0", for logs
    std::function<ChildProcess(const Start&)> start;    // throws StartError
    std::function<std::uint64_t(std::uint32_t)> beats;  // by pid; 0: none yet. Empty: it has no heartbeat
    HangLimits limits;
    int replaced_by = 15;          // the signal that makes it go for replace(); SIGTERM
    int drained_status = -1;       // the exit status by which it says that the whole server is to end; -1: none
    bool can_begin_blank = false;  // it adopts state that might be what kills it
  };
  /// What became of the process.
  enum class Fate : unsigned char {
    none,     ///< still as before
    died,     ///< will be started again
    stopped,  ///< ended after stop()
    refused,  ///< ended with exit_refused before any process of this place had worked
    drained,  ///< ended with its role's drained_status: nobody is left to serve
  };

  Child(Role role, const ProcessLog& log) : role_(std::move(role)), log_(log), judge_(role_.limits) {}

  /// Fills the place with a process that runs already and may have worked before.
  void adopt(TimePoint now, ChildProcess process);
  /// The place was filled before and is empty now: what starts here follows a process that ended.
  void follow() noexcept;
  /// Starts the process if none runs and its time has come. Throws StartError when it cannot be started at all and never
  /// could; one that worked before is tried again.
  void start_if_due(TimePoint now);
  /// Kills the process if its heartbeat says that it hangs, or if it was asked to go and is still here.
  void look(TimePoint now);
  /// Takes notice of its end, if it has ended.
  [[nodiscard]] Fate reap(TimePoint now);
  /// Asks it to end so that the next one can take its place at once. It has 300 ms.
  void replace(TimePoint now);
  /// Asks it to end; it will not be started again.
  void stop();
  /// Ends it.
  void kill() const;
  /// Passes a signal on.
  void signal(int number) const;

  [[nodiscard]] const std::string& name() const noexcept { return role_.name; }
  [[nodiscard]] bool running() const noexcept { return process_.has_value(); }
  [[nodiscard]] pid_t pid() const noexcept { return process_ ? process_->pid() : -1; }
  /// Whether the process that runs now has beaten.
  [[nodiscard]] bool works() const;
  /// Readable when it has ended; -1 when none runs.
  [[nodiscard]] int pidfd() const noexcept { return process_ ? process_->pidfd() : -1; }
  /// When start_if_due has something to do; `never` while it runs.
  [[nodiscard]] TimePoint next_start() const noexcept { return running() || stopping_ ? never : start_at_; }
  /// When look() has to kill it, if it is still there.
  [[nodiscard]] TimePoint next_kill() const noexcept { return running() ? kill_at_ : never; }

 private:
  [[nodiscard]] PredecessorFate fate_of(const Ending& ending) const noexcept;

  Role role_;
  const ProcessLog& log_;
  std::optional<ChildProcess> process_;
  RestartPolicy restarts_;
  HangJudge judge_;
  TimePoint start_at_{};  // at once
  TimePoint kill_at_ = never;
  PredecessorFate fate_ = PredecessorFate::none;  // of the last process
  HangJudge::Verdict verdict_ = HangJudge::Verdict::fine;
  bool worked_ = false;    // some process of this place has beaten
  bool replaced_ = false;  // replace() was called for this process
  bool stopping_ = false;
};

}  // namespace sluice::supervisor
