#include "control/supervisor/child.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>

#include "control/supervisor/process_reading.hpp"
#include "control/supervisor/start_error.hpp"
#include "control/supervisor/supervisor_config.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr Duration time_to_go = 300ms;
constexpr Duration try_again = 1s;

/// Signals by which a process dies of what it did itself.
bool is_crash(int signal) {
  constexpr std::array crashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
  return std::find(crashes.begin(), crashes.end(), signal) != crashes.end();
}

}  // namespace

void Child::adopt(TimePoint now, ChildProcess process) {
  process_ = std::move(process);
  worked_ = true;
  restarts_.started(now);
  judge_.restart(now);
  log_.info("adopted", {{"child", role_.name}, {"pid", std::to_string(process_->pid())}});
}

void Child::follow() noexcept {
  worked_ = true;
  fate_ = PredecessorFate::ended;
}

void Child::start_if_due(TimePoint now) {
  if (now < next_start()) return;
  const bool blank = role_.can_begin_blank && restarts_.take_last_resort(now);
  try {
    process_ = role_.start({fate_, blank});
  } catch (const StartError& error) {
    if (!worked_) throw;
    // The others are at work: no reason to end them.
    log_.error("cannot be started, trying again", {{"child", role_.name}, {"reason", error.what()}});
    start_at_ = now + try_again;
    return;
  }
  restarts_.started(now);
  judge_.restart(now);
  kill_at_ = never;
  replaced_ = false;
  verdict_ = HangJudge::Verdict::fine;
  log_.info("started", {{"child", role_.name}, {"pid", std::to_string(process_->pid())}});
  if (blank) log_.error("begins with empty state, its predecessors died of theirs", {{"child", role_.name}});
}

void Child::look(TimePoint now) {
  if (!process_ || stopping_) return;
  const pid_t pid = process_->pid();
  if (now >= kill_at_) {
    log_.warn("did not go, killing it", {{"child", role_.name}, {"pid", std::to_string(pid)}});
    kill_at_ = never;
    kill();
    return;
  }
  if (!role_.beats) return;
  HangJudge::Look look{role_.beats(static_cast<std::uint32_t>(pid)), '?', read_cpu_time(pid)};
  if (judge_.is_silent(look.beats)) {
    if (const auto reading = read_process(pid)) look.state = reading->state;
  }
  const HangJudge::Verdict verdict = judge_.observe(now, look);
  worked_ = worked_ || judge_.has_beaten();
  if (verdict == HangJudge::Verdict::fine || verdict_ != HangJudge::Verdict::fine) return;
  verdict_ = verdict;
  log_.error("hangs, killing it", {{"child", role_.name},
                                   {"pid", std::to_string(pid)},
                                   {"state", std::string(1, look.state)},
                                   {"stopped", verdict == HangJudge::Verdict::stopped ? "yes" : "no"}});
  kill();
}

PredecessorFate Child::fate_of(const Ending& ending) const noexcept {
  const bool crashed = ending.by_signal ? is_crash(ending.number) : ending.number != 0 && judge_.has_beaten();
  if (ending.known && crashed) return PredecessorFate::crashed;
  return verdict_ == HangJudge::Verdict::hung ? PredecessorFate::hung : PredecessorFate::ended;
}

Child::Fate Child::reap(TimePoint now) {
  if (!process_) return Fate::none;
  const std::optional<Ending> ending = process_->reap();
  if (!ending) return Fate::none;
  // It may have worked and died between two looks.
  if (!judge_.has_beaten() && works()) (void)judge_.observe(now, {1, '?', std::nullopt});
  worked_ = worked_ || judge_.has_beaten();
  fate_ = fate_of(*ending);
  const std::string pid = std::to_string(process_->pid());
  process_.reset();
  if (stopping_) {
    log_.info("stopped", {{"child", role_.name}, {"pid", pid}, {"ending", ending->to_string()}});
    return Fate::stopped;
  }
  if (replaced_) {
    replaced_ = false;
    start_at_ = now;
    fate_ = PredecessorFate::ended;
    log_.info("made room", {{"child", role_.name}, {"pid", pid}, {"ending", ending->to_string()}});
    return Fate::died;
  }
  if (!worked_ && !ending->by_signal && ending->number == exit_refused) return Fate::refused;
  if (ending->known && !ending->by_signal && role_.drained_status >= 0 && ending->number == role_.drained_status)
    return Fate::drained;
  const bool own_act = fate_ == PredecessorFate::crashed || fate_ == PredecessorFate::hung ||
                       (ending->known && !ending->by_signal && ending->number != 0);
  start_at_ = restarts_.died(now, {judge_.has_beaten(), own_act});
  const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(start_at_ - now);
  log_.warn("died, starting it again", {{"child", role_.name},
                                        {"pid", pid},
                                        {"ending", ending->to_string()},
                                        {"deaths", std::to_string(restarts_.deaths())},
                                        {"after_ms", std::to_string(delay.count())}});
  return Fate::died;
}

void Child::replace(TimePoint now) {
  if (!process_) return;
  replaced_ = true;
  kill_at_ = now + time_to_go;
  signal(role_.replaced_by);
}

void Child::stop() {
  stopping_ = true;
  signal(SIGTERM);
}

void Child::kill() const {
  signal(SIGKILL);
}

void Child::signal(int number) const {
  if (process_) process_->signal(number);
}

bool Child::works() const {
  if (!process_) return false;
  return !role_.beats || role_.beats(static_cast<std::uint32_t>(process_->pid())) != 0;
}

}  // namespace sluice::supervisor
