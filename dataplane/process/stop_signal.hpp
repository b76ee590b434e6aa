#pragma once

#include "shm/descriptors/descriptor.hpp"

namespace sluice {

/// SIGTERM and SIGINT as something to wait for: blocked from construction on, told by a descriptor.
class StopSignal {
 public:
  /// Throws std::runtime_error.
  StopSignal();
  /// Readable (a signalfd) when the process is asked to stop.
  [[nodiscard]] int fd() const noexcept { return signals_.get(); }

 private:
  Descriptor signals_;
};

}  // namespace sluice
