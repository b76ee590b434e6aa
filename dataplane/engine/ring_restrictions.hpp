#pragma once

#include <liburing.h>

namespace sluice {

/// Holds a ring that was set up with IORING_SETUP_R_DISABLED to what a media worker does, for as long as it lives: SENDMSG,
/// RECVMSG and POLL_ADD, on files registered with it before; no registering of anything from the moment it is enabled.
/// A process that was taken over can submit nothing else, whatever it writes into the ring (the kernel answers -EACCES), and
/// seccomp cannot look into a ring. False when the kernel does not know restrictions (before 5.10).
[[nodiscard]] bool restrict_ring(io_uring& ring) noexcept;

/// Lets a disabled ring begin. Throws EngineUnavailable.
void enable_ring(io_uring& ring);

}  // namespace sluice
