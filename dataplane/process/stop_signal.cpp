#include "dataplane/process/stop_signal.hpp"

#include <signal.h>
#include <sys/signalfd.h>

#include <stdexcept>

namespace sluice {

StopSignal::StopSignal() {
  // A log that nobody reads any more (the supervisor's terminal is gone) is no reason to end.
  (void)::signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  (void)sigemptyset(&stops);
  (void)sigaddset(&stops, SIGTERM);
  (void)sigaddset(&stops, SIGINT);
  (void)::sigprocmask(SIG_BLOCK, &stops, nullptr);
  signals_.reset(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) throw std::runtime_error("no signalfd: raise the limit on open files");
}

}  // namespace sluice
