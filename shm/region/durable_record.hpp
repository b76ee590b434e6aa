#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/region/word_array.hpp"

namespace sluice {

/// One value of which a valid version survives the writer's death at any instruction: two halves, written in turn, each
/// with a sequence number (0: no value, or being written; stored last) and a checksum over number and value. For values
/// that a successor process must find; whoever wants the latest value of a living writer may read it as well.
template <typename T>
struct DurableRecord {
  struct Half {
    std::atomic<std::uint64_t> sequence;
    std::atomic<std::uint64_t> checksum;
    WordArray<T> value;
  };
  std::array<Half, 2> halves;

  /// For the one writer. The half that holds the newest value is left alone.
  template <typename Step = NoSteps>
  void write(const T& next, Step step = {}) noexcept {
    const std::uint64_t first = halves[0].sequence.load(std::memory_order_relaxed);
    const std::uint64_t second = halves[1].sequence.load(std::memory_order_relaxed);
    Half& half = halves[first <= second ? 0 : 1];
    std::uint64_t sequence = (first > second ? first : second) + 1;
    if (sequence == 0) {  // only damage counts this far
      wipe();
      sequence = 1;
    }
    half.sequence.store(0, std::memory_order_relaxed);
    step();
    const std::uint64_t sum = half.value.store(next, step);  // release stores: none is seen before the 0 above
    half.checksum.store(mix_checksum(sum, sequence), std::memory_order_release);
    step();
    half.sequence.store(sequence, std::memory_order_release);
    step();
  }

  /// The newest valid value; nothing if none was ever written or both halves are damaged.
  [[nodiscard]] std::optional<T> read() const noexcept {
    // More than one turn only while a living writer overtakes us.
    for (unsigned attempts = 16; attempts > 0; --attempts) {
      const std::uint64_t first = halves[0].sequence.load(std::memory_order_acquire);
      const std::uint64_t second = halves[1].sequence.load(std::memory_order_acquire);
      if (first == 0 && second == 0) return std::nullopt;
      const std::size_t newer = first > second ? 0 : 1;
      T copy{};
      if (valid(halves[newer], newer == 0 ? first : second, copy)) return copy;
      if (valid(halves[1 - newer], newer == 0 ? second : first, copy)) return copy;
    }
    return std::nullopt;
  }

  /// Makes the record empty and overwrites both halves with zeros (they may have held keys).
  void wipe() noexcept {
    for (Half& half : halves) {
      half.sequence.store(0, std::memory_order_relaxed);
      half.checksum.store(0, std::memory_order_release);
      for (auto& word : half.value.words) word.store(0, std::memory_order_release);
    }
  }

 private:
  static bool valid(const Half& half, std::uint64_t sequence, T& copy) noexcept {
    if (sequence == 0) return false;
    const std::uint64_t sum = half.value.load(copy);
    return half.checksum.load(std::memory_order_acquire) == mix_checksum(sum, sequence) &&
           half.sequence.load(std::memory_order_relaxed) == sequence;
  }
};

}  // namespace sluice
