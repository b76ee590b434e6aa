#pragma once

#include "dataplane/worker/work_note.hpp"

namespace sluice {

/// From here on a process that dies by its own act (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS) notes the
/// signal in `note` before it dies by it, on a stack of its own. So a successor knows of the crash whoever started it, even
/// if the supervisor died as well. `note` must stay mapped until the process ends. Sanitizers keep the signals they use.
void note_crashes_in(WorkNote& note) noexcept;

}  // namespace sluice
