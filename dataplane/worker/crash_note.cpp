#include "dataplane/worker/crash_note.hpp"

#include <signal.h>

#include <array>
#include <cstddef>

namespace sluice {
namespace {

WorkNote* noted_in = nullptr;

#ifdef SLUICE_SANITIZED
constexpr std::array crash_signals{SIGABRT, SIGTRAP, SIGSYS};
#else
constexpr std::array crash_signals{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
#endif

// One store, then the default action: SA_RESETHAND took this handler away, and the signal, blocked while it runs, comes with
// its return, also where no fault would bring it again (SIGSYS, or a signal that somebody sent).
void on_crash(int number) {
  noted_in->signal.store(static_cast<std::uint32_t>(number), std::memory_order_relaxed);
  (void)::raise(number);
}

}  // namespace

void note_crashes_in(WorkNote& note) noexcept {
  noted_in = &note;
  static std::array<std::byte, 16 * 1024> stack;  // for an overflow of the usual one
  const stack_t other{stack.data(), 0, stack.size()};
  (void)::sigaltstack(&other, nullptr);
  struct sigaction action{};
  action.sa_handler = on_crash;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
  (void)sigemptyset(&action.sa_mask);
  for (const int number : crash_signals) (void)::sigaction(number, &action, nullptr);
}

}  // namespace sluice
