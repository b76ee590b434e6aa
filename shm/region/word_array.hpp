#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "shm/region/layout_hash.hpp"
#include "shm/region/publication_step.hpp"

namespace sluice {

/// Folds one word into a checksum. Each step is a bijection, so a change of a single word always changes the sum.
[[nodiscard]] constexpr std::uint64_t mix_checksum(std::uint64_t sum, std::uint64_t word) noexcept {
  sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
  return sum ^ sum >> 29U;
}

/// The bytes of one T as atomic words, so that a reader that races with the writer reads torn values, never undefined
/// ones. Stores are release and loads acquire (free on x86): whoever saw one of these words also sees every store that
/// came before it, which is what the seqlock and the durable record need, without fences that TSan cannot see.
template <typename T>
struct WordArray {
  static_assert(std::is_trivially_copyable_v<T>);
  static constexpr std::size_t count = (sizeof(T) + 7) / 8;

  std::array<std::atomic<std::uint64_t>, count> words;

  /// Stores `value` word by word, calling `step` after each; returns its checksum.
  template <typename Step = NoSteps>
  std::uint64_t store(const T& value, Step step = {}) noexcept {
    std::uint64_t sum = checksum_seed;
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, reinterpret_cast<const std::byte*>(&value) + i * 8, bytes_of_word(i));
      sum = mix_checksum(sum, word);
      words[i].store(word, std::memory_order_release);
      step();
    }
    return sum;
  }
  /// Loads into `value`; returns the checksum of what was loaded.
  std::uint64_t load(T& value) const noexcept {
    std::uint64_t sum = checksum_seed;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t word = words[i].load(std::memory_order_acquire);
      sum = mix_checksum(sum, word);
      std::memcpy(reinterpret_cast<std::byte*>(&value) + i * 8, &word, bytes_of_word(i));
    }
    return sum;
  }

 private:
  static constexpr std::uint64_t checksum_seed = 0x736c75696365ULL ^ sizeof(T);
  static constexpr std::size_t bytes_of_word(std::size_t i) noexcept {
    return i + 1 < count ? 8 : sizeof(T) - 8 * (count - 1);
  }
};

}  // namespace sluice
