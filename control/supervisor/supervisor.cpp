#include "control/supervisor/supervisor.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <ctime>
#include <string>
#include <vector>

#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

// Every child is looked at this often: a worker beats every 50 ms, and its death is to be seen by nobody.
constexpr Duration look_every = HangLimits{}.look;

TimePoint read_clock() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

/// Blocks the signals that we take and returns the descriptor that tells them.
Descriptor take_over_signals() {
  sigset_t taken;
  (void)sigemptyset(&taken);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) (void)sigaddset(&taken, signal);
  (void)::sigprocmask(SIG_BLOCK, &taken, nullptr);
  // A log reader that went away must not end the server.
  (void)::signal(SIGPIPE, SIG_IGN);
  Descriptor signals(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) throw StartError("Cannot create a signalfd: raise the limit on open files (ulimit -n).");
  return signals;
}

}  // namespace

Programs Programs::beside_this_one() {
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  return {folder / "sluice-control", folder / "sluice-worker", folder / "sluice-handshaker"};
}

Supervisor::Supervisor(const SupervisorConfig& config)
    : config_(config),
      log_("supervisor", config.log_format),
      users_(config.isolation, log_),
      signals_(take_over_signals()),
      holdings_(config, users_.arguments(ProcessRole::handshaker)),
      launches_(config_, holdings_, users_),
      spares_([this] { return launches_.spare(); }, config.spares, log_) {
  // Inherited by every child: none gains rights by what it executes.
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  add_children();
}

void Supervisor::add_children() {
  media_.emplace_back(Child::Role{"handshaker", [this](const Child::Start&) { return launches_.handshaker(); },
                                  [this](std::uint32_t pid) { return holdings_.handshaker_beats(pid); }, patient_limits()},
                      log_);
  for (std::uint16_t i = 0; i < config_.worker_count; ++i) {
    media_.emplace_back(
        Child::Role{"worker-" + std::to_string(i),
                    [this, i](const Child::Start& start) {
                      ChildProcess process = spares_.take(read_clock());
                      launches_.assign(process, i, start);
                      return process;
                    },
                    [this, i](std::uint32_t pid) { return holdings_.worker_beats(i, pid); }, worker_limits()},
        log_);
  }
  control_.emplace_back(
      Child::Role{"control", [this](const Child::Start&) { return launches_.control(); },
                  [this](std::uint32_t pid) { return holdings_.control_beats(pid); }, patient_limits(), SIGKILL},
      log_);
}

template <typename Visit>
void Supervisor::for_each_child(Visit&& visit) {
  for (Child& child : media_) visit(child);
  for (Child& child : control_) visit(child);
}

bool Supervisor::any_running() const {
  const auto runs = [](const Child& child) { return child.running(); };
  return spares_.running() || std::any_of(media_.begin(), media_.end(), runs) ||
         std::any_of(control_.begin(), control_.end(), runs);
}

int Supervisor::run() {
  try {
    while (phase_ != Phase::done) {
      start_due(read_clock());
      wait(next_deadline());
      const TimePoint now = read_clock();
      take_signals(now);
      reap(now);
      look(now);
      advance_stop(now);
    }
  } catch (...) {
    kill_everything();
    throw;
  }
  return status_;
}

void Supervisor::start_due(TimePoint now) {
  if (phase_ != Phase::serving) return;
  for_each_child([now](Child& child) { child.start_if_due(now); });
  spares_.tend(now);
}

TimePoint Supervisor::next_deadline() const {
  TimePoint deadline = std::min(next_look_, kill_at_);
  if (phase_ != Phase::serving) return deadline;
  deadline = std::min(deadline, spares_.next_start());
  for (const Child& child : media_) deadline = std::min(deadline, child.next_start());
  for (const Child& child : control_) deadline = std::min(deadline, child.next_start());
  return deadline;
}

void Supervisor::wait(TimePoint until) {
  std::vector<pollfd> watched{{signals_.get(), POLLIN, 0}};
  for_each_child([&watched](const Child& child) {
    if (child.running()) watched.push_back({child.pidfd(), POLLIN, 0});
  });
  spares_.watch(watched);
  const Duration left = std::max<Duration>(until - read_clock(), Duration::zero());
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  (void)::poll(watched.data(), watched.size(), static_cast<int>(std::min<std::int64_t>(milliseconds, INT_MAX)));
}

void Supervisor::take_signals(TimePoint now) {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGHUP) {
      holdings_.reload_tls();
      for (const Child& child : control_) child.signal(SIGHUP);
    } else if (phase_ == Phase::serving) {
      begin_stop(now);
    } else {
      kill_at_ = now;  // asked twice: no more patience
    }
  }
}

void Supervisor::reap(TimePoint now) {
  for_each_child([this, now](Child& child) {
    if (child.reap(now) != Child::Fate::refused) return;
    // It has said why on standard error.
    status_ = 1;
    if (phase_ == Phase::serving) begin_stop(now);
  });
}

void Supervisor::look(TimePoint now) {
  if (now < next_look_) return;
  next_look_ = now + look_every;
  for_each_child([now](Child& child) { child.look(now); });
}

void Supervisor::begin_stop(TimePoint now) {
  log_.info("stopping");
  phase_ = Phase::stopping_control;
  kill_at_ = now + config_.stop_limit;
  for (Child& child : control_) child.stop();
}

void Supervisor::advance_stop(TimePoint now) {
  if (phase_ == Phase::serving) return;
  spares_.tend(now);
  if (now >= kill_at_) {
    log_.warn("not everything stopped in time, killing the rest");
    kill_at_ = never;
    for (Child& child : media_) child.stop();
    spares_.stop();
    for_each_child([](const Child& child) { child.kill(); });
    spares_.kill();
  }
  if (phase_ == Phase::stopping_control && !control_.front().running()) {
    phase_ = Phase::stopping_rest;
    spares_.stop();
    for (Child& child : media_) child.stop();
  }
  if (phase_ == Phase::stopping_rest && !any_running()) phase_ = Phase::done;
}

void Supervisor::kill_everything() {
  spares_.end_all();
  for_each_child([](const Child& child) { child.kill(); });
  while (any_running()) {
    wait(never);
    for_each_child([](Child& child) { (void)child.reap(read_clock()); });
  }
}

int run_supervisor(const SupervisorConfig& config) {
  try {
    Supervisor supervisor(config);
    return supervisor.run();
  } catch (const StartError& error) {
    const std::string line = std::string("sluice: ") + error.what() + "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    return 1;
  }
}

}  // namespace sluice::supervisor
