#include "shm/descriptors/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace sluice {

Descriptor Descriptor::duplicate(int fd) noexcept {
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

void Descriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  // EINTR included: on Linux the descriptor is gone whatever close() says.
  if (old >= 0) (void)::close(old);
}

}  // namespace sluice
