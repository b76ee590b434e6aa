// What control may not do, tried in a child that is confined as control is. (Workers: tests/integration/isolation.)
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>

#include "shm/confinement/confinement.hpp"
#include "shm/confinement/rights.hpp"

namespace sluice {
namespace {

constexpr int no_filter = 254;
constexpr int succeeded = 253;

/// Runs `attempt` as control in a child: the errno that it was refused with, `succeeded`, `no_filter`, or minus a signal.
int as_control(const std::function<long()>& attempt) {
  const pid_t child = ::fork();
  if (child == 0) {
    const ConfinementOrder order;
    give_up_rights(ProcessRole::control, order);
    if (finish_confinement(ProcessRole::control, order).system_calls != "enforced") ::_exit(no_filter);
    errno = 0;
    ::_exit(attempt() >= 0 ? succeeded : errno);
  }
  int status = 0;
  (void)::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(ControlFilter, LeavesFilesSocketsAndThreads) {
  const int opened = as_control([] { return ::open("/dev/null", O_RDONLY); });
  if (opened == no_filter) GTEST_SKIP() << "no system call filter here";
  EXPECT_EQ(opened, succeeded);
  EXPECT_EQ(as_control([] { return ::socket(AF_INET, SOCK_STREAM, 0); }), succeeded);
  EXPECT_EQ(as_control([] {
              int result = -1;
              std::thread([&result] { result = 0; }).join();
              return result;
            }),
            succeeded);
}

TEST(ControlFilter, RefusesWhatControlNeverNeeds) {
  if (as_control([] { return 0; }) == no_filter) GTEST_SKIP() << "no system call filter here";
  const std::array<std::pair<const char*, std::function<long()>>, 17> attempts{{
      {"ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
      {"process_vm_readv", [] { return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); }},
      {"pidfd_getfd", [] { return ::syscall(SYS_pidfd_getfd, 0, 0, 0); }},
      {"kill", [] { return ::kill(::getpid(), 0); }},
      {"execve",
       [] {
         const std::array<const char*, 2> words{"/bin/true", nullptr};
         return ::syscall(SYS_execve, words[0], words.data(), words.data() + 1);
       }},
      {"fork", [] { return ::fork(); }},
      {"vfork", [] { return ::syscall(SYS_vfork); }},
      {"namespace by clone", [] { return ::syscall(SYS_clone, CLONE_VM | CLONE_NEWUSER, nullptr, nullptr, nullptr, 0); }},
      {"unshare", [] { return ::unshare(CLONE_NEWUSER); }},
      {"mount", [] { return ::mount("none", "/tmp", "tmpfs", 0, nullptr); }},
      {"io_uring",
       [] {
         io_uring_params parameters{};
         return ::syscall(SYS_io_uring_setup, 4, &parameters);
       }},
      {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
      {"perf", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
      {"keyctl", [] { return ::syscall(SYS_keyctl, 0, -3, 0); }},
      {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0); }},
      {"module", [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }},
      {"personality", [] { return ::personality(0xffffffff); }},
  }};
  for (const auto& [name, attempt] : attempts) EXPECT_EQ(as_control(attempt), EPERM) << name;
  // The C library takes this for an old kernel and uses clone, whose flags can be looked at.
  EXPECT_EQ(as_control([] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
}

TEST(ControlFilter, LetsItAbort) {
  const int ending = as_control([]() -> long { std::abort(); });
  EXPECT_TRUE(ending == -SIGABRT || ending == no_filter) << ending;
}

}  // namespace
}  // namespace sluice
