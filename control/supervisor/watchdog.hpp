#pragma once

#include <chrono>
#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// Tells a child that hangs from one that works, by the count in its heartbeat. It adds up the time between its own looks,
/// each counted for at most twice the distance at which it should look: when the whole machine was stopped for a while,
/// nobody is blamed.
class Watchdog {
 public:
  struct Limits {
    Duration silence = std::chrono::seconds(2);      // a child that has beaten
    Duration first_beat = std::chrono::seconds(15);  // one that still starts (a sanitizer build on a loaded machine)
    Duration look = std::chrono::milliseconds(250);  // how often observe() should be called
  };
  Watchdog() = default;
  explicit Watchdog(const Limits& limits) noexcept : limits_(limits) {}

  /// A new child was started at `now`.
  void restart(TimePoint now) noexcept;
  /// `beats` so far by this very process; 0 for none. True when it hangs: kill it.
  [[nodiscard]] bool observe(TimePoint now, std::uint64_t beats) noexcept;
  /// Whether this child has beaten yet.
  [[nodiscard]] bool has_beaten() const noexcept { return beats_ != 0; }
  [[nodiscard]] Duration look() const noexcept { return limits_.look; }

 private:
  Limits limits_;
  TimePoint looked_{};
  Duration silent_for_{};
  std::uint64_t beats_ = 0;
};

}  // namespace sluice::supervisor
