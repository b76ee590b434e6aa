#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shm/counters/counter_list.hpp"
#include "shm/region/layout_hash.hpp"

namespace sluice {

enum class Counter : std::uint16_t {
#define SLUICE_COUNTER_ID(id, family, labels, help) id,
  SLUICE_COUNTERS(SLUICE_COUNTER_ID)
#undef SLUICE_COUNTER_ID
      count_
};
inline constexpr std::size_t counter_count = static_cast<std::size_t>(Counter::count_);

/// The public face of a counter.
struct CounterInfo {
  std::string_view id;      // "drop_bad_length"
  std::string_view family;  // "sluice_drops_total"
  std::string_view labels;  // `reason="bad_length"` or empty
  std::string_view help;
};
inline constexpr std::array<CounterInfo, counter_count> counter_infos{{
#define SLUICE_COUNTER_INFO(id, family, labels, help) {#id, family, labels, help},
    SLUICE_COUNTERS(SLUICE_COUNTER_INFO)
#undef SLUICE_COUNTER_INFO
}};
[[nodiscard]] constexpr const CounterInfo& info(Counter counter) noexcept {
  return counter_infos[static_cast<std::size_t>(counter)];
}

/// A private copy of all counters.
struct CounterSnapshot {
  std::array<std::uint64_t, counter_count> values{};
  [[nodiscard]] std::uint64_t operator[](Counter counter) const noexcept {
    return values[static_cast<std::size_t>(counter)];
  }
  /// What was counted after `older`; 0 for a counter that went backwards (a worker that scribbles, or another incarnation).
  [[nodiscard]] CounterSnapshot since(const CounterSnapshot& older) const noexcept;
};

/// The counters of one worker in shared memory. One writer; read from outside at no cost to it.
struct alignas(shared_line_bytes) CounterBlock {
  static constexpr std::size_t capacity = 128;  // room to grow without another layout
  std::array<std::atomic<std::uint64_t>, capacity> values;

  /// Writer only: a plain load and store, a third of a locked addition.
  void add(Counter counter, std::uint64_t n = 1) noexcept {
    auto& value = values[static_cast<std::size_t>(counter)];
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get(Counter counter) const noexcept {
    return values[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
  }
  /// Each value is whole; they are not of one instant.
  [[nodiscard]] CounterSnapshot snapshot() const noexcept;
};
static_assert(SharedLayout<CounterBlock> && counter_count <= CounterBlock::capacity);
static_assert(sizeof(CounterBlock) == 1024);
SLUICE_FIELD(CounterBlock, values, 0, 1024);

/// Changes when a counter is inserted, renamed or moved, so that two builds that disagree refuse each other.
[[nodiscard]] constexpr std::uint64_t counter_list_hash() noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const CounterInfo& counter : counter_infos) {
    for (const char c : counter.id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ 0xffU) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace sluice
