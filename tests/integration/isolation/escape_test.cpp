// A program in a worker's place, confined as a worker, tries to get out: see escapee_program.cpp.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/supervisor/child_process.hpp"
#include "control/supervisor/child_user.hpp"
#include "control/supervisor/holdings.hpp"
#include "shm/descriptors/worker_assignment.hpp"
#include "test_paths.hpp"
#include "tests/support/free_port.hpp"

namespace sluice::supervisor {
namespace {

const std::filesystem::path programs = SLUICE_BIN_DIR;

struct Outcome {
  std::string output;
  Ending ending;
  [[nodiscard]] bool killed_by_filter() const { return ending.by_signal && ending.number == SIGSYS; }
  [[nodiscard]] bool filtered() const { return output.find("filter enforced") != std::string::npos; }
  [[nodiscard]] bool succeeded(const std::string& attempt) const {
    return output.find(attempt + " succeeded\n") != std::string::npos;
  }
  [[nodiscard]] bool refused(const std::string& attempt) const {
    return output.find(attempt + " refused ") != std::string::npos;
  }
  /// The errno it was refused with; 0 when it was not.
  [[nodiscard]] int error(const std::string& attempt) const {
    const std::size_t at = output.find(attempt + " refused ");
    return at == std::string::npos ? 0 : std::stoi(output.substr(at + attempt.size() + 9));
  }
};

/// This process in the supervisor's part, with real segments, sockets and users.
class Prison {
 public:
  explicit Prison(FilterMode mode, std::uint16_t workers = 1)
      : log_("test", LogFormat::line),
        config_(make_config(mode, workers)),
        users_(config_.isolation, log_),
        holdings_(config_) {}

  struct Inmate {
    ChildProcess process;
    Descriptor output;
  };
  Inmate start(const std::string& attempt, std::uint16_t place = 0, pid_t sibling = 0, const std::string& engine = "auto") {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    Descriptor output(pipe[0]);
    const Descriptor input(pipe[1]);
    Launch launch{programs / "escapee_program",
                  {"--attempt=" + attempt, "--sibling=" + std::to_string(sibling), "--engine=" + engine},
                  inherited_environment(Inherit::without_configuration),
                  input.get()};
    for (const std::string& argument : users_.arguments(ProcessRole::worker)) launch.arguments.push_back(argument);
    Inmate inmate{ChildProcess::start(launch), std::move(output)};
    WorkerAssignment assignment;
    assignment.index = place;
    if (!send_assignment(inmate.process.socket(), assignment, holdings_.for_worker(place))) throw std::runtime_error("send");
    return inmate;
  }
  static Outcome wait(Inmate& inmate) {
    Outcome outcome;
    std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while ((size = ::read(inmate.output.get(), buffer.data(), buffer.size())) > 0) {
      outcome.output.append(buffer.data(), static_cast<std::size_t>(size));
    }
    pollfd ended{inmate.process.pidfd(), POLLIN, 0};
    if (::poll(&ended, 1, 60000) <= 0) inmate.process.signal(SIGKILL);
    (void)::poll(&ended, 1, -1);
    outcome.ending = inmate.process.reap().value_or(Ending{});
    return outcome;
  }
  Outcome run(const std::string& attempt, pid_t sibling = 0, const std::string& engine = "auto") {
    Inmate inmate = start(attempt, 0, sibling, engine);
    return wait(inmate);
  }

 private:
  static SupervisorConfig make_config(FilterMode mode, std::uint16_t workers) {
    SupervisorConfig config;
    config.worker_count = workers;
    config.media_port = test::free_ports();
    config.listen = {*SocketAddress::parse("127.0.0.1", 0)};
    config.programs.handshaker = programs / "sluice-handshaker";
    config.isolation.filter = mode;
    return config;
  }
  ProcessLog log_;
  SupervisorConfig config_;
  ChildUsers users_;
  Holdings holdings_;
};

/// A process in another worker's place, and its end.
class Sibling {
 public:
  explicit Sibling(Prison& prison, std::uint16_t place) : inmate_(prison.start("wait", place)) {
    std::array<char, 16> word{};
    (void)!::read(inmate_.output.get(), word.data(), word.size());
  }
  ~Sibling() {
    inmate_.process.signal(SIGKILL);
    (void)Prison::wait(inmate_);
  }
  Sibling(const Sibling&) = delete;
  Sibling& operator=(const Sibling&) = delete;
  [[nodiscard]] pid_t pid() const { return inmate_.process.pid(); }

 private:
  Prison::Inmate inmate_;
};

bool is_root() {
  return ::geteuid() == 0;
}

// What a worker's own work needs goes on working: the test would prove nothing if everything failed.
TEST(Escape, LeavesAWorkerItsWork) {
  Prison prison(FilterMode::enforce);
  for (const char* engine : {"auto", "mmsg"}) {
    for (const char* attempt : {"send", "allocate"}) {
      const Outcome outcome = prison.run(attempt, 0, engine);
      EXPECT_TRUE(outcome.succeeded(attempt)) << attempt << " " << outcome.ending.to_string() << "\n" << outcome.output;
    }
  }
  const Outcome ring = prison.run("ring_send");
  EXPECT_TRUE(ring.succeeded("ring_send") || ring.error("ring_send") == ENOSYS) << ring.output;
}

TEST(Escape, IsDeathByEveryForbiddenSystemCall) {
  Prison prison(FilterMode::enforce, 2);
  const Sibling sibling(prison, 1);
  const Outcome first = prison.run("open", sibling.pid());
  if (!first.filtered()) GTEST_SKIP() << "no system call filter here: " << first.output;
  for (const char* attempt : {"open",
                              "open_old",
                              "openat2",
                              "create",
                              "stat",
                              "memfd",
                              "fcntl",
                              "chmod",
                              "truncate",
                              "socket",
                              "socketpair",
                              "connect",
                              "bind",
                              "setsockopt",
                              "sendmsg",
                              "recvmsg",
                              "execve",
                              "fork",
                              "clone_old",
                              "clone3",
                              "vfork",
                              "unshare",
                              "ptrace_parent",
                              "ptrace_sibling",
                              "kill_parent",
                              "kill_sibling",
                              "kill_itself",
                              "tgkill_sibling",
                              "pidfd_signal",
                              "pidfd_getfd",
                              "parent_memory",
                              "process_vm_parent",
                              "sibling_memory",
                              "sibling_descriptors",
                              "process_vm_sibling",
                              "prlimit_sibling",
                              "affinity_sibling",
                              "io_uring_setup",
                              "io_uring_register",
                              "mmap_code",
                              "mmap_segment_as_code",
                              "mprotect_code",
                              "personality",
                              "setuid",
                              "setgid",
                              "capset",
                              "dumpable",
                              "another_filter",
                              "mount",
                              "chroot",
                              "setns",
                              "keyctl",
                              "add_key",
                              "bpf",
                              "perf",
                              "userfaultfd",
                              "init_module",
                              "reboot",
                              "ioctl"}) {
    const Outcome outcome = prison.run(attempt, sibling.pid());
    EXPECT_TRUE(outcome.killed_by_filter()) << attempt << " " << outcome.ending.to_string() << "\n" << outcome.output;
    EXPECT_FALSE(outcome.succeeded(attempt)) << attempt;
  }
}

TEST(Escape, IsRefusedByTheRing) {
  Prison prison(FilterMode::enforce);
  if (prison.run("ring_send").error("ring_send") == ENOSYS) GTEST_SKIP() << "no io_uring here";
  for (const char* attempt : {"ring_openat", "ring_openat_fixed", "ring_socket", "ring_connect", "ring_other_file"}) {
    const Outcome outcome = prison.run(attempt);
    EXPECT_EQ(outcome.error(attempt), EACCES) << attempt << " " << outcome.ending.to_string() << "\n" << outcome.output;
  }
}

// The second wall: without any filter, the user, the lost capabilities and the limits hold as well.
TEST(Escape, IsRefusedToItsUserWithoutAnyFilter) {
  if (!is_root()) GTEST_SKIP() << "users of their own take root";
  Prison prison(FilterMode::off, 2);
  const Sibling sibling(prison, 1);
  for (const char* attempt : {"open_shadow",
                              "kill_parent",
                              "kill_sibling",
                              "tgkill_sibling",
                              "pidfd_signal",
                              "pidfd_getfd",
                              "ptrace_parent",
                              "ptrace_sibling",
                              "parent_memory",
                              "sibling_memory",
                              "sibling_descriptors",
                              "process_vm_parent",
                              "process_vm_sibling",
                              "prlimit_sibling",
                              "affinity_sibling",
                              "setuid",
                              "setgid",
                              "capset",
                              "mount",
                              "chroot",
                              "setns",
                              "init_module",
                              "reboot",
#ifndef SLUICE_SANITIZED
                              "fork",
#endif
                              "ring_openat",
                              "ring_socket"}) {
    const Outcome outcome = prison.run(attempt, sibling.pid());
    EXPECT_TRUE(outcome.refused(attempt)) << attempt << " " << outcome.ending.to_string() << "\n" << outcome.output;
  }
}

std::set<std::string> lines_with(const std::string& text, const std::string& prefix) {
  std::set<std::string> found;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.starts_with(prefix)) found.insert(line.substr(prefix.size()));
    at = end + 1;
  }
  return found;
}

TEST(Confinement, LeavesAWorkerNoRightsAndLimitsOnly) {
  Prison prison(FilterMode::enforce);
  const Outcome outcome = prison.run("look");
  const std::string& text = outcome.output;
  for (const char* line : {"status CapEff:\t0000000000000000\n", "status CapPrm:\t0000000000000000\n",
                           "status CapInh:\t0000000000000000\n", "status CapAmb:\t0000000000000000\n",
                           "status NoNewPrivs:\t1\n", "limit core 0\n", "limit nofile 4096\n", "umask 77\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
#ifndef SLUICE_SANITIZED
  EXPECT_NE(text.find("limit nproc 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("dumpable 0\n"), std::string::npos) << text;
#endif
  if (!is_root()) return;
  EXPECT_NE(text.find("status CapBnd:\t0000000000000000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("status Groups:\t \n"), std::string::npos) << text;
  EXPECT_EQ(text.find("status Uid:\t0"), std::string::npos) << text;
}

TEST(Confinement, GivesEachWorkerProcessAnotherUser) {
  if (!is_root()) GTEST_SKIP() << "users of their own take root";
  Prison prison(FilterMode::enforce, 2);
  std::set<std::string> users;
  for (int i = 0; i < 4; ++i) users.merge(lines_with(prison.run("look").output, "status Uid:"));
  // One, if the operator made a user "sluice-worker".
  EXPECT_TRUE(users.size() == 4 || ::access("/etc/passwd", R_OK) != 0) << users.size();
}

TEST(Confinement, GivesAWorkerDescriptorsOfItsOwnSegmentsOnly) {
  Prison prison(FilterMode::enforce, 2);
  std::vector<std::set<std::string>> held;
  for (const std::uint16_t place : {std::uint16_t{0}, std::uint16_t{1}}) {
    Prison::Inmate inmate = prison.start("look", place);
    held.push_back(lines_with(Prison::wait(inmate).output, "holds "));
  }
  for (const std::set<std::string>& all : held) {
    std::size_t segments = 0;
    for (const std::string& one : all) {
      EXPECT_EQ(one.find("control-state"), std::string::npos) << one;
      EXPECT_EQ(one.find("certificate"), std::string::npos) << one;
      EXPECT_EQ(one.find("config"), std::string::npos) << one;
      EXPECT_EQ(one.find("pulse"), std::string::npos) << one;
      EXPECT_EQ(one.find("tls"), std::string::npos) << one;
      const std::array own{"/memfd:sluice-shared", "/memfd:sluice-recovery", "/memfd:sluice-wishes",
                           "/memfd:sluice-handshake"};
      const auto is_own = [&one](const char* name) { return one.starts_with(name); };
      if (std::none_of(own.begin(), own.end(), is_own)) {
        // Rings by which a room moves from one worker to another lie between the two.
        EXPECT_TRUE(!one.starts_with("/memfd:") || one.starts_with("/memfd:sluice-relay")) << one;
        continue;
      }
      ++segments;
      EXPECT_FALSE(held.front().contains(one) && held.back().contains(one)) << "shared by two workers: " << one;
    }
    EXPECT_EQ(segments, 4U) << "shared, recovery, wishes, handshake";
  }
}

}  // namespace
}  // namespace sluice::supervisor
