#include "dataplane/engine/ring_restrictions.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "dataplane/engine/engine.hpp"

namespace sluice {
namespace {

/// Debian 12's liburing (2.3) declares the functions for these but does not export them.
long register_with(const io_uring& ring, unsigned operation, const void* argument, std::size_t count) noexcept {
  return ::syscall(__NR_io_uring_register, ring.ring_fd, operation, argument, count);
}

io_uring_restriction rule(std::uint16_t kind, std::uint8_t value) noexcept {
  io_uring_restriction restriction{};
  restriction.opcode = kind;
  restriction.sqe_op = value;  // a union with sqe_flags and register_op
  return restriction;
}

}  // namespace

bool restrict_ring(io_uring& ring) noexcept {
  // No operation of io_uring_register is among them, so all are refused, which takes the registered files for fixed.
  const std::array rules{rule(IORING_RESTRICTION_SQE_OP, IORING_OP_SENDMSG),
                         rule(IORING_RESTRICTION_SQE_OP, IORING_OP_RECVMSG),
                         rule(IORING_RESTRICTION_SQE_OP, IORING_OP_POLL_ADD),
                         rule(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT),
                         rule(IORING_RESTRICTION_SQE_FLAGS_REQUIRED, IOSQE_FIXED_FILE)};
  return register_with(ring, IORING_REGISTER_RESTRICTIONS, rules.data(), rules.size()) == 0;
}

void enable_ring(io_uring& ring) {
  if (register_with(ring, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) == 0) return;
  throw EngineUnavailable("The kernel does not start io_uring: " + std::string(std::strerror(errno)) + ".");
}

}  // namespace sluice
