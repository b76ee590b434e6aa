#pragma once

#include <cstdint>
#include <type_traits>

#include "shm/descriptors/descriptor_set.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// How the process whose place a worker takes ended, as far as whoever assigns the place knows.
enum class PredecessorFate : std::uint8_t {
  none,     ///< there was none: the segments are blank
  ended,    ///< it went when it was asked to, or was killed from outside: nobody's fault
  crashed,  ///< it died by its own act (SIGSEGV, SIGABRT, SIGSYS ...): what it was doing is to blame
  hung,     ///< it ran without end and was killed: likewise
};

/// What a waiting worker process is told to be: the first message on its descriptor socket; its descriptors follow.
struct WorkerAssignment {
  static constexpr std::int32_t no_core = -1;

  std::uint16_t index = 0;  ///< of the worker, and of the descriptors ("shared.3")
  PredecessorFate fate = PredecessorFate::none;
  std::uint8_t blank = 0;  ///< 1: begin with empty state, whatever the segments hold (the last resort of the supervisor)
  std::int32_t core = no_core;  ///< to stay on
};
static_assert(std::is_trivially_copyable_v<WorkerAssignment> && sizeof(WorkerAssignment) == 8);

/// Sends the assignment and then its descriptors over `socket`, one end of make_descriptor_sockets().
[[nodiscard]] Result<void, DescriptorError> send_assignment(int socket, const WorkerAssignment& assignment,
                                                            std::span<const NamedDescriptor> descriptors);

struct AssignedWorker {
  WorkerAssignment assignment;
  DescriptorSet descriptors;
};
/// Waits for both: for as long as it takes, because a spare waits for the death of another process. `closed` when the
/// other end went away, which tells a spare to end.
[[nodiscard]] Result<AssignedWorker, DescriptorError> receive_assignment(int socket);

}  // namespace sluice
