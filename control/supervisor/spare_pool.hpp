#pragma once

#include <poll.h>

#include <deque>
#include <functional>
#include <vector>

#include "control/supervisor/child_process.hpp"
#include "control/supervisor/restart_policy.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// Worker processes that have done everything which needs no assignment and wait for one: whoever takes a dead worker's
/// place need not start first.
class SparePool {
 public:
  /// `start` makes one that waits for its assignment (throws StartError); `wanted` are kept.
  SparePool(std::function<ChildProcess()> start, unsigned wanted, const ProcessLog& log)
      : start_(std::move(start)), wanted_(wanted), log_(log) {}

  /// A waiting process, a warm one if there is one; else one that is just being started. Throws StartError.
  [[nodiscard]] ChildProcess take(TimePoint now);
  /// Sees which are warm and which died; starts what is missing if its time has come.
  void tend(TimePoint now);
  /// Whether all that are wanted are here and warm (one at least, even if none is kept).
  [[nodiscard]] bool warm() const noexcept;
  /// Deaths of spares in a row, of those started since renew().
  [[nodiscard]] unsigned deaths() const noexcept { return restarts_.deaths(); }
  /// Ends all and starts new ones, because another program is to be started from here on.
  void renew(TimePoint now);
  /// Keeps one at least until the next take(), and starts it now.
  void want_one(TimePoint now) noexcept;
  /// Takes back stop() and end_all().
  void resume() noexcept { stopping_ = false; }
  /// Asks all to end; none is started again.
  void stop();
  /// Ends all and waits for that.
  void end_all();
  void kill() const;
  [[nodiscard]] bool running() const noexcept { return !spares_.empty() || !leaving_.empty(); }
  /// All processes that wait or are about to end.
  [[nodiscard]] std::vector<pid_t> pids() const;
  /// Adds what tells that tend() has something to do.
  void watch(std::vector<pollfd>& watched) const;
  /// When tend() wants to start something; `never` if it does not.
  [[nodiscard]] TimePoint next_start() const noexcept;

 private:
  struct Spare {
    ChildProcess process;
    bool warm = false;
  };
  [[nodiscard]] unsigned missing() const noexcept;
  /// Which are warm, which have ended.
  void notice(TimePoint now);

  std::function<ChildProcess()> start_;
  unsigned wanted_;
  const ProcessLog& log_;
  std::deque<Spare> spares_;
  std::deque<ChildProcess> leaving_;  // asked to end
  RestartPolicy restarts_;
  TimePoint start_at_{};
  bool one_at_least_ = false;  // renew() was called
  bool stopping_ = false;
};

}  // namespace sluice::supervisor
