#pragma once

#include <cstddef>

namespace sluice::sim {

/// Counts calls of operator new on this thread while it lives and is switched on. One at a time.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;
  void on(bool on) noexcept;
  [[nodiscard]] std::size_t total() const noexcept;
};

}  // namespace sluice::sim
