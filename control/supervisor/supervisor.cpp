#include "control/supervisor/supervisor.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "control/supervisor/process_reading.hpp"
#include "control/supervisor/start_error.hpp"
#include "shm/service/service_notify.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

// Every child is looked at this often: a worker beats every 50 ms, and its death is to be seen by nobody.
constexpr Duration look_every = HangLimits{}.look;
// A service manager that does not listen for so long keeps what nobody will miss.
constexpr Duration forget_limit = 1s;

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

Supervisor::Supervisor(const SupervisorConfig& config, std::optional<Adoption> adoption)
    : config_(config),
      adoption_(std::move(adoption)),
      log_("supervisor", config.log_format),
      users_(config.isolation, log_),
      signals_(take_over_signals()),
      holdings_(adoption_ ? Holdings(config, *adoption_) : Holdings(config, users_.arguments(ProcessRole::handshaker))),
      roster_(adoption_ ? std::move(adoption_->roster) : Roster::create(config, holdings_.fingerprint())),
      launches_(config_, holdings_, roster_, users_, log_),
      spares_([this] { return launches_.spare(); }, config.spares, log_),
      upgrade_({config_, holdings_, roster_, spares_, media_, control_, keeper_, upgrade_socket_, log_}) {
  // Inherited by every child: none gains rights by what it executes.
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  users_.avoid([this](std::uint32_t user) { return is_user_of_a_worker(user); });
  if (!holdings_.control_socket_failure().empty())
    log_.warn("no control socket", {{"path", config_.control_socket.path.string()},
                                    {"reason", holdings_.control_socket_failure()},
                                    {"hint", "choose another path by --control-socket"}});
  add_children();
  open_upgrade_socket();
  if (adoption_) adopt_children();
  adoption_.reset();
  std::vector<NamedDescriptor> all = holdings_.for_keeper();
  all.push_back({"roster", roster_.fd()});
  store_.keep(all);
}

bool Supervisor::is_user_of_a_worker(std::uint32_t user) const {
  std::vector<pid_t> pids = spares_.pids();
  for (const Child& child : media_) pids.push_back(child.pid());
  return std::any_of(pids.begin(), pids.end(), [user](pid_t pid) { return pid > 0 && read_user(pid) == user; });
}

void Supervisor::adopt_children() {
  const TimePoint now = read_clock();
  log_.info("takes over a running server", {{"port", std::to_string(config_.media_port)},
                                            {"from", adoption_->stored.empty() ? "keeper" : "service-manager"}});
  // An upgrade may have moved it.
  const Programs programs = config_.programs.in(roster_.folder());
  if (programs.missing().empty()) config_.programs = programs;
  const auto fill = [&](Child& child, Place place) {
    if (auto process = roster_.find(place)) {
      child.adopt(now, std::move(*process));
    } else {
      child.follow();
    }
  };
  fill(media_.front(), {Place::Kind::handshaker});
  for (std::uint16_t i = 0; i < config_.worker_count; ++i) fill(media_[i + 1U], {Place::Kind::worker, i});
  fill(control_.front(), {Place::Kind::control});
  old_keeper_ = roster_.find({Place::Kind::keeper});
  if (const int client = roster_.take_upgrade_client(); client >= 0) upgrade_socket_.adopt_client(Descriptor(client));
  if (holdings_.config_changed()) {
    log_.info("the configuration is another one, control starts anew");
    (void)holdings_.control_ready().silence();
    control_.front().replace(now);
  } else if (control_.front().running() && !config_.ready_line.empty()) {
    const std::string line = config_.ready_line + "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
  }
}

void Supervisor::open_upgrade_socket() {
  if (config_.runtime_folder.empty()) return;
  upgrade_socket_ = UpgradeSocket::listen(upgrade_path(config_));
  if (!upgrade_socket_.valid()) log_.warn("cannot be upgraded while it runs", {{"reason", std::strerror(errno)}});
}

/// Once there is a new one, which is what whoever asks gets to by now.
void Supervisor::end_old_keeper() {
  if (!old_keeper_) return;
  if (old_keeper_->reap()) {
    old_keeper_.reset();
    // If there was an upgrade, this was the last process of the build before.
    upgrade_socket_.say(UpgradeAnswer::Kind::done,
                        "everything runs the new build, the supervisor as process " + std::to_string(::getpid()));
  } else if (!keeper_.empty() && keeper_.front().running()) {
    old_keeper_->signal(SIGKILL);
  }
}

void Supervisor::add_children() {
  if (config_.runtime_folder.empty()) {
    log_.warn("no folder for sockets: this server can be neither taken over nor upgraded");
  } else {
    keeper_.emplace_back(Child::Role{"keeper", [this](const Child::Start&) { return launches_.keeper(); }, {}, {}}, log_);
    keeper_.back().follow();  // without one the server works as well
  }
  media_.emplace_back(Child::Role{"handshaker", [this](const Child::Start&) { return launches_.handshaker(); },
                                  [this](std::uint32_t pid) { return holdings_.handshaker_beats(pid); }, patient_limits()},
                      log_);
  for (std::uint16_t i = 0; i < config_.worker_count; ++i) {
    media_.emplace_back(Child::Role{.name = "worker-" + std::to_string(i),
                                    .start =
                                        [this, i](const Child::Start& start) {
                                          ChildProcess process = spares_.take(read_clock());
                                          launches_.assign(process, i, start);
                                          return process;
                                        },
                                    .beats = [this, i](std::uint32_t pid) { return holdings_.worker_beats(i, pid); },
                                    .limits = worker_limits(),
                                    .can_begin_blank = true},
                        log_);
  }
  control_.emplace_back(Child::Role{"control",
                                    [this](const Child::Start&) {
                                      ready_told_ = false;
                                      return launches_.control();
                                    },
                                    [this](std::uint32_t pid) { return holdings_.control_beats(pid); }, patient_limits(),
                                    SIGKILL, exit_drained},
                        log_);
}

bool Supervisor::any_media_running() const {
  const auto runs = [](const Child& child) { return child.running(); };
  return spares_.running() || std::any_of(media_.begin(), media_.end(), runs);
}

template <typename Visit>
void Supervisor::for_each_child(Visit&& visit) {
  for (Child& child : media_) visit(child);
  for (Child& child : control_) visit(child);
  for (Child& child : keeper_) visit(child);
}

bool Supervisor::any_running() const {
  const auto runs = [](const Child& child) { return child.running(); };
  return any_media_running() || std::any_of(control_.begin(), control_.end(), runs) ||
         std::any_of(keeper_.begin(), keeper_.end(), runs);
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
      tell_when_ready();
      if (phase_ == Phase::serving) upgrade_.advance(now);
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
  // The keeper first: from here on a new supervisor could take over.
  for (Child& child : keeper_) child.start_if_due(now);
  for_each_child([now](Child& child) { child.start_if_due(now); });
  spares_.tend(now);
  end_old_keeper();
}

TimePoint Supervisor::next_deadline() const {
  TimePoint deadline = std::min({next_look_, kill_at_, upgrade_.next_look()});
  if (phase_ != Phase::serving) return deadline;
  deadline = std::min(deadline, spares_.next_start());
  for (const std::deque<Child>* group : {&media_, &control_, &keeper_}) {
    for (const Child& child : *group) deadline = std::min(deadline, child.next_start());
  }
  return deadline;
}

void Supervisor::wait(TimePoint until) {
  std::vector<pollfd> watched{{signals_.get(), POLLIN, 0}};
  for_each_child([&watched](const Child& child) {
    if (child.running()) watched.push_back({child.pidfd(), POLLIN, 0});
  });
  spares_.watch(watched);
  upgrade_.watch(watched);
  if (old_keeper_) watched.push_back({old_keeper_->pidfd(), POLLIN, 0});
  // Not while the manager's queue is full: that has no descriptor to wait for.
  if (may_become_ready() && !manager_is_full_) watched.push_back({holdings_.control_ready().fd(), POLLIN, 0});
  const Duration left = std::max<Duration>(until - read_clock(), Duration::zero());
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  if (::poll(watched.data(), watched.size(), static_cast<int>(std::min<std::int64_t>(milliseconds, INT_MAX))) >= 0) return;
  if (errno != EINVAL) return;
  // There are more of them than the limit on open files, which somebody lowered meanwhile: then time must do.
  const timespec pause{0, std::chrono::nanoseconds(std::min<Duration>(left, look_every)).count()};
  (void)::nanosleep(&pause, nullptr);
}

void Supervisor::take_signals(TimePoint now) {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGHUP) {
      holdings_.reload_tls();
      if (config_.reread_config) {
        if (const auto text = config_.reread_config()) holdings_.offer_config(*text);
      }
      for (const Child& child : control_) child.signal(SIGHUP);
    } else if (phase_ == Phase::serving && config_.drain_on_sigterm && !std::exchange(drain_asked_, true)) {
      for (const Child& child : control_) child.signal(SIGTERM);
    } else if (phase_ == Phase::serving) {
      begin_stop(now);
    } else {
      kill_at_ = now;  // asked twice: no more patience
    }
  }
}

void Supervisor::reap(TimePoint now) {
  for_each_child([this, now](Child& child) {
    const Child::Fate fate = child.reap(now);
    if (fate != Child::Fate::refused && fate != Child::Fate::drained) return;
    // Who refused has said why on standard error.
    if (fate == Child::Fate::refused) status_ = 1;
    if (phase_ == Phase::serving) begin_stop(now);
  });
}

void Supervisor::look(TimePoint now) {
  if (now < next_look_) return;
  next_look_ = now + look_every;
  store_.advance();
  if (watchdog_ && now >= next_watchdog_) {
    next_watchdog_ = now + *watchdog_;
    (void)notify_service_manager("WATCHDOG=1");
  }
  for_each_child([now](Child& child) { child.look(now); });
}

bool Supervisor::may_become_ready() const {
  return !ready_told_ && phase_ == Phase::serving && control_.front().running();
}

void Supervisor::tell_when_ready() {
  pollfd ready{holdings_.control_ready().fd(), POLLIN, 0};
  if (!may_become_ready() || ::poll(&ready, 1, 0) <= 0) return;
  // This must not be lost in a full queue: who waits for it ends us when it has waited long enough.
  manager_is_full_ = give_service_manager("READY=1\nSTATUS=" + config_.ready_line, -1) == Told::later;
  ready_told_ = !manager_is_full_;
}

void Supervisor::begin_stop(TimePoint now) {
  log_.info("stopping");
  (void)notify_service_manager("STOPPING=1");
  upgrade_.abandon();
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
  if (phase_ == Phase::stopping_rest && !any_media_running()) {
    phase_ = Phase::stopping_keeper;
    for (Child& child : keeper_) child.stop();
  }
  if (phase_ == Phase::stopping_keeper && !any_running()) {
    phase_ = Phase::done;
    remove_sockets();
  }
}

void Supervisor::remove_sockets() {
  store_.forget(forget_limit);
  if (!config_.control_socket.path.empty() && holdings_.has_control_socket())
    (void)::unlink(config_.control_socket.path.c_str());
  if (keeper_.empty()) return;
  (void)::unlink(keeper_path(config_).c_str());
  (void)::unlink(upgrade_path(config_).c_str());
}

void Supervisor::kill_everything() {
  spares_.end_all();
  for_each_child([](const Child& child) { child.kill(); });
  while (any_running()) {
    wait(never);
    for_each_child([](Child& child) { (void)child.reap(read_clock()); });
  }
  remove_sockets();
}

int run_supervisor(const SupervisorConfig& config, std::optional<Adoption> adoption) {
  try {
    std::optional<Supervisor> supervisor;
    if (adoption && !adoption->stored.empty()) {
      const std::vector<std::string> stored = adoption->stored;
      try {
        supervisor.emplace(config, std::move(adoption));
      } catch (const StartError& error) {
        // Nobody lives who would need it, else the ports below are busy.
        const std::string line = std::string("sluice: note: starts anew. ") + error.what() + "\n";
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
        ServiceStore::let_go(stored);
      }
      adoption.reset();
    }
    if (!supervisor) supervisor.emplace(config, std::move(adoption));
    return supervisor->run();
  } catch (const StartError& error) {
    const std::string line = std::string("sluice: ") + error.what() + "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    return 1;
  }
}

}  // namespace sluice::supervisor
