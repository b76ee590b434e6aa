#include "shm/counters/counter_block.hpp"

namespace sluice {

CounterSnapshot CounterBlock::snapshot() const noexcept {
  CounterSnapshot copy;
  for (std::size_t i = 0; i < counter_count; ++i) copy.values[i] = values[i].load(std::memory_order_relaxed);
  return copy;
}

CounterSnapshot CounterSnapshot::since(const CounterSnapshot& older) const noexcept {
  CounterSnapshot result;
  for (std::size_t i = 0; i < counter_count; ++i) {
    result.values[i] = values[i] > older.values[i] ? values[i] - older.values[i] : 0;
  }
  return result;
}

}  // namespace sluice
