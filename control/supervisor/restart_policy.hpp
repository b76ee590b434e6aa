#pragma once

#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// When a child that died is started again: at once the first time, so that a call notices nothing; then, while it keeps
/// dying, after 100 ms doubling to 5 s, so that a child that cannot start costs no core. A child that lived for 10 s has
/// proven itself and starts afresh.
class RestartPolicy {
 public:
  void started(TimePoint now) noexcept { started_ = now; }
  /// The time at which to start the child that has just died.
  [[nodiscard]] TimePoint died(TimePoint now) noexcept;
  /// Deaths in a row, none of which came after a proven life.
  [[nodiscard]] unsigned deaths() const noexcept { return deaths_; }

 private:
  TimePoint started_{};
  unsigned deaths_ = 0;
};

}  // namespace sluice::supervisor
