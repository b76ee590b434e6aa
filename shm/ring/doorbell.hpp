#pragma once

#include <utility>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// An eventfd that wakes the consumer of a ring. Non-blocking and close-on-exec; the consumer polls fd() for reading (in
/// epoll, libuv, or io_uring's multishot poll) and calls silence() when it fires.
class Doorbell {
 public:
  /// A new eventfd; the error is errno.
  [[nodiscard]] static Result<Doorbell, int> create();
  /// Takes ownership of an eventfd that came from another process.
  explicit Doorbell(Descriptor fd) noexcept : fd_(std::move(fd)) {}
  Doorbell() = default;

  /// Wakes the consumer. Never blocks; a bell that already rings stays ringing.
  void ring() const noexcept;
  /// Takes the ring away; true if there was one.
  bool silence() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  Descriptor fd_;
};

}  // namespace sluice
