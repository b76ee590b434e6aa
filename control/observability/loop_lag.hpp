#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// How late the control loop's timers fire: what everything that waits for the loop suffers. Ticks four times a second and
/// looks back ten seconds.
class LoopLag {
 public:
  explicit LoopLag(TimePoint now) : due_(now + period) {}

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return due_; }

  /// The worst and the mean lag of the last ten seconds.
  [[nodiscard]] Duration worst() const noexcept;
  [[nodiscard]] Duration mean() const noexcept;

 private:
  static constexpr Duration period = std::chrono::milliseconds(250);
  static constexpr std::size_t samples_max = 40;
  TimePoint due_;
  std::array<Duration, samples_max> samples_{};
  std::uint64_t count_ = 0;
};

}  // namespace sluice
