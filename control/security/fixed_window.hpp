#pragma once

#include <cstdint>

#include "shm/types/time.hpp"

namespace sluice {

/// Counts events in windows of a fixed length, the first of which begins with the first event (contract sections 22 and 23).
class FixedWindow {
 public:
  /// Counts one event; how many there are in its window, itself included.
  std::uint32_t count(TimePoint now, Duration length) noexcept {
    if (count_ == 0 || now - begin_ > length) {
      begin_ = now;
      count_ = 0;
    }
    return ++count_;
  }
  /// How many its window holds so far.
  [[nodiscard]] std::uint32_t counted(TimePoint now, Duration length) const noexcept {
    return over(now, length) ? 0 : count_;
  }
  [[nodiscard]] bool over(TimePoint now, Duration length) const noexcept { return count_ == 0 || now - begin_ > length; }

 private:
  TimePoint begin_{};
  std::uint32_t count_ = 0;
};

}  // namespace sluice
