#include "control/supervisor/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "control/supervisor/process_reading.hpp"
#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

constexpr int descriptors_at = 3;

/// posix_spawn's attributes and actions, freed together.
class SpawnSetup {
 public:
  SpawnSetup(int descriptors_socket, int output) {
    (void)posix_spawn_file_actions_init(&actions_);
    (void)posix_spawnattr_init(&attributes_);
    (void)posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output >= 0) (void)posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    // A duplicate onto itself clears close-on-exec, as a duplicate elsewhere does.
    (void)posix_spawn_file_actions_adddup2(&actions_, descriptors_socket, descriptors_at);
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGXFSZ);  // who may not write is told so by the write
    (void)posix_spawnattr_setsigmask(&attributes_, &none);
    (void)posix_spawnattr_setsigdefault(&attributes_, &all);
    (void)posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }
  ~SpawnSetup() {
    (void)posix_spawn_file_actions_destroy(&actions_);
    (void)posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string Ending::to_string() const {
  if (!known) return "unknown";
  if (!by_signal) return "exit " + std::to_string(number);
  return "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}

ChildProcess ChildProcess::start(const Launch& launch) {
  auto sockets = make_descriptor_sockets();
  if (!sockets) throw StartError(std::string("Cannot make a socket pair: ") + std::strerror(errno) + ".");
  const std::string program = launch.program.string();
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), launch.arguments.begin(), launch.arguments.end());
  arguments.push_back("--descriptors=" + std::to_string(descriptors_at));
  std::vector<std::string> environment = launch.environment;

  const SpawnSetup setup(sockets->child.get(), launch.output);
  ChildProcess child;
  const int error = ::posix_spawn(&child.pid_, program.c_str(), setup.actions(), setup.attributes(),
                                  pointers_to(arguments).data(), pointers_to(environment).data());
  if (error != 0)
    throw StartError("Cannot start " + program + ": " + std::strerror(error) + "; build or install all of sluice.");
  // Nobody else waits for it, so the number is still its own.
  child.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
  if (!child.pidfd_.valid()) {
    const int reason = errno;
    (void)::kill(child.pid_, SIGKILL);
    (void)::waitpid(child.pid_, nullptr, 0);
    throw StartError(std::string("Cannot watch a child process: ") + std::strerror(reason) + ".");
  }
  child.socket_ = std::move(sockets->parent);
  return child;
}

std::optional<ChildProcess> ChildProcess::adopt(pid_t pid, std::uint64_t start_time) {
  ChildProcess child;
  child.pid_ = pid;
  child.pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!child.pidfd_.valid()) return std::nullopt;
  // Read after the pidfd was opened: from here on both mean the same process.
  const std::optional<ProcessReading> reading = read_process(pid);
  if (!reading || reading->start_time != start_time) return std::nullopt;
  return child;
}

void ChildProcess::give(const std::vector<NamedDescriptor>& descriptors) {
  (void)send_descriptors(socket_.get(), descriptors);
  close_socket();
}

void ChildProcess::close_socket() noexcept {
  if (!socket_.valid()) return;
  (void)::shutdown(socket_.get(), SHUT_RD);  // nothing comes after what is drained here
  std::array<char, 64> unread{};
  while (::recv(socket_.get(), unread.data(), unread.size(), MSG_DONTWAIT) > 0) {
  }
  socket_.reset();
}

void ChildProcess::signal(int number) const noexcept {
  (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<Ending> ChildProcess::reap() noexcept {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0) {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    if (errno != ECHILD || ::poll(&ended, 1, 0) <= 0) return std::nullopt;
    return Ending{.known = false};
  }
  if (info.si_pid == 0) return std::nullopt;
  return Ending{.by_signal = info.si_code != CLD_EXITED, .number = info.si_status};
}

std::vector<std::string> inherited_environment(Inherit what) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const bool configures = variable.starts_with("SLUICE_") || variable.starts_with("WEBRTC_ROOMS_");
    // Only the supervisor speaks to the service manager, which believes what it is told.
    const bool is_managed =
        variable.starts_with("NOTIFY_SOCKET=") || variable.starts_with("WATCHDOG_") || variable.starts_with("LISTEN_");
    if (!is_managed && (what == Inherit::everything || !configures)) result.emplace_back(variable);
  }
  return result;
}

}  // namespace sluice::supervisor
