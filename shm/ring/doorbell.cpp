#include "shm/ring/doorbell.hpp"

#include <sys/eventfd.h>

#include <cerrno>

namespace sluice {

Result<Doorbell, int> Doorbell::create() {
  Descriptor fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd.valid()) return unexpected(errno);
  return Doorbell(std::move(fd));
}

void Doorbell::ring() const noexcept {
  // The only failure of a valid eventfd is EAGAIN: 2^64-2 rings not yet heard, so it rings anyway.
  (void)eventfd_write(fd_.get(), 1);
}

bool Doorbell::silence() const noexcept {
  eventfd_t rings = 0;
  return eventfd_read(fd_.get(), &rings) == 0;
}

}  // namespace sluice
