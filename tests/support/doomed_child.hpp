#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace sluice::test {

enum class ChildEnd { finished, killed, crashed };

/// Runs `body(step)` in a forked process that kills itself (SIGKILL) at the `fatal`-th call of `step` (from 1). Shared
/// mappings stay shared; everything else of the child dies with it.
template <typename Body>
ChildEnd run_doomed(unsigned fatal, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    unsigned left = fatal;
    body([&left] {
      if (--left == 0) kill(getpid(), SIGKILL);
    });
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return ChildEnd::crashed;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ChildEnd::finished;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return ChildEnd::killed;
  return ChildEnd::crashed;
}

/// Runs `trial(fatal)` with fatal = 1, 2, ... until it returns ChildEnd::finished: every step has been fatal once. Returns
/// how many were; 0 when a child crashed or there was no end.
template <typename Trial>
unsigned for_every_fatal_step(Trial trial) {
  for (unsigned fatal = 1; fatal < 100'000; ++fatal) {
    switch (trial(fatal)) {
      case ChildEnd::finished:
        return fatal - 1;
      case ChildEnd::killed:
        break;
      case ChildEnd::crashed:
        return 0;
    }
  }
  return 0;
}

}  // namespace sluice::test
