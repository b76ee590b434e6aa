#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "shm/region/word_array.hpp"

namespace sluice {

/// One value that a single writer overwrites and any process reads at any time. The writer never waits. A reader copies
/// and gets a whole value or nothing: nothing while a writer stands (or died) in the middle, until the next write.
/// Never written: the value of all-zero bytes. The copy is whole, not trusted: check enums and ranges.
template <typename T>
struct SeqlockRow {
  // Odd while the writer is inside.
  std::atomic<std::uint64_t> sequence;
  WordArray<T> value;

  /// For the one writer (or its successor: an odd sequence left by a dead writer is passed over).
  template <typename Step = NoSteps>
  void write(const T& next, Step step = {}) noexcept {
    const std::uint64_t odd = (sequence.load(std::memory_order_relaxed) + 1) | 1U;
    sequence.store(odd, std::memory_order_relaxed);
    step();
    (void)value.store(next, step);
    sequence.store(odd + 1, std::memory_order_release);
    step();
  }

  /// Tries at most `attempts` times.
  [[nodiscard]] std::optional<T> read(unsigned attempts = 64) const noexcept {
    T copy{};
    for (; attempts > 0; --attempts) {
      const std::uint64_t before = sequence.load(std::memory_order_acquire);
      if ((before & 1U) != 0) continue;
      (void)value.load(copy);
      // Not moved before the loads of the words, because those are acquire; and if one of them came from a later write,
      // its release makes that write's odd sequence visible here.
      if (sequence.load(std::memory_order_relaxed) == before) return copy;
    }
    return std::nullopt;
  }
};

}  // namespace sluice
