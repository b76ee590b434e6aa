#include "shm/descriptors/descriptor.hpp"

#include <unistd.h>

namespace sluice {

void Descriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  // EINTR included: on Linux the descriptor is gone whatever close() says.
  if (old >= 0) (void)::close(old);
}

}  // namespace sluice
