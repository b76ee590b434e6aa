#pragma once

#include <atomic>
#include <cstdint>

#include "shm/region/layout_hash.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// What a worker was doing, for whoever finds it dead (hardening.md section 5): a hostile packet or command that kills one
/// worker must not kill its successors for ever. In the recovery segment, on a line of its own; all zero: nothing.
struct alignas(shared_line_bytes) WorkNote {
  std::atomic<std::uint64_t> session;  ///< packed TransportId whose packet, command or timer is in progress; 0: nobody's
  std::atomic<std::uint32_t> signal;   ///< by which the process died, noted by itself (CrashNote); 0: it did not say
};
static_assert(SharedLayout<WorkNote> && sizeof(WorkNote) == shared_line_bytes);
SLUICE_FIELD(WorkNote, session, 0, 8);
SLUICE_FIELD(WorkNote, signal, 8, 4);

/// While it lives, a death is the doing of this session. They nest: the outer one's session comes back.
class InProgress {
 public:
  InProgress(WorkNote& note, TransportId id) noexcept : note_(note), before_(note.session.load(std::memory_order_relaxed)) {
    // A store of our own core is seen by whoever looks after our death.
    note_.session.store(id.packed(), std::memory_order_relaxed);
  }
  ~InProgress() { note_.session.store(before_, std::memory_order_relaxed); }
  InProgress(const InProgress&) = delete;
  InProgress& operator=(const InProgress&) = delete;

 private:
  WorkNote& note_;
  std::uint64_t before_;
};

}  // namespace sluice
