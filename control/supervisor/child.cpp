#include "control/supervisor/child.hpp"

#include <signal.h>

#include <chrono>

#include "control/supervisor/supervisor_config.hpp"

namespace sluice::supervisor {

void Child::start_if_due(TimePoint now) {
  if (now < next_start()) return;
  process_ = ChildProcess::start(role_.launch());
  restarts_.started(now);
  watchdog_.restart(now);
  log_.info("started", {{"child", role_.name}, {"pid", std::to_string(process_->pid())}});
}

void Child::look(TimePoint now) {
  if (!process_ || stopping_) return;
  const bool hangs = watchdog_.observe(now, role_.beats(static_cast<std::uint32_t>(process_->pid())));
  worked_ = worked_ || watchdog_.has_beaten();
  if (!hangs) return;
  log_.error("hangs, killing it", {{"child", role_.name}, {"pid", std::to_string(process_->pid())}});
  watchdog_.restart(now);
  process_->signal(SIGKILL);
}

Child::Fate Child::reap(TimePoint now) {
  if (!process_) return Fate::none;
  const std::optional<Ending> ending = process_->reap();
  if (!ending) return Fate::none;
  // It may have worked and died between two looks.
  worked_ = worked_ || role_.beats(static_cast<std::uint32_t>(process_->pid())) != 0;
  const std::string pid = std::to_string(process_->pid());
  process_.reset();
  if (stopping_) {
    log_.info("stopped", {{"child", role_.name}, {"pid", pid}, {"ending", ending->to_string()}});
    return Fate::stopped;
  }
  if (!worked_ && !ending->by_signal && ending->number == exit_refused) return Fate::refused;
  start_at_ = restarts_.died(now);
  const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(start_at_ - now);
  log_.warn("died, starting it again", {{"child", role_.name},
                                        {"pid", pid},
                                        {"ending", ending->to_string()},
                                        {"deaths", std::to_string(restarts_.deaths())},
                                        {"after_ms", std::to_string(delay.count())}});
  return Fate::died;
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

}  // namespace sluice::supervisor
