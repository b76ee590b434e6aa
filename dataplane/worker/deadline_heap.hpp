#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice {

/// The next deadline of each of a fixed number of slots, and the earliest of all: a binary heap that knows where each slot
/// lies, so moving one costs log n and no allocation.
class DeadlineHeap {
 public:
  explicit DeadlineHeap(std::uint32_t slots) : place_(slots, absent) { heap_.reserve(slots); }

  [[nodiscard]] TimePoint next() const noexcept { return heap_.empty() ? never : heap_.front().first; }
  [[nodiscard]] std::uint32_t next_slot() const noexcept { return heap_.front().second; }

  /// `never` takes the slot out.
  void set(std::uint32_t slot, TimePoint deadline) noexcept {
    std::uint32_t at = place_[slot];
    if (at == absent) {
      if (deadline == never) return;
      at = static_cast<std::uint32_t>(heap_.size());
      heap_.emplace_back(deadline, slot);  // reserved: never allocates
      place_[slot] = at;
      up(at);
      return;
    }
    if (deadline == never) return remove(at);
    const TimePoint before = heap_[at].first;
    heap_[at].first = deadline;
    if (deadline < before) {
      up(at);
    } else if (deadline > before) {
      down(at);
    }
  }
  /// Moves the deadline only towards now.
  void lower(std::uint32_t slot, TimePoint deadline) noexcept {
    const std::uint32_t at = place_[slot];
    if (at == absent || deadline < heap_[at].first) set(slot, deadline);
  }

 private:
  static constexpr std::uint32_t absent = ~std::uint32_t{0};
  using Entry = std::pair<TimePoint, std::uint32_t>;

  void swap(std::uint32_t a, std::uint32_t b) noexcept {
    std::swap(heap_[a], heap_[b]);
    place_[heap_[a].second] = a;
    place_[heap_[b].second] = b;
  }
  void up(std::uint32_t at) noexcept {
    while (at > 0 && heap_[at] < heap_[(at - 1) / 2]) {
      swap(at, (at - 1) / 2);
      at = (at - 1) / 2;
    }
  }
  void down(std::uint32_t at) noexcept {
    for (;;) {
      const auto size = static_cast<std::uint32_t>(heap_.size());
      std::uint32_t least = at;
      for (const std::uint32_t child : {2 * at + 1, 2 * at + 2}) {
        if (child < size && heap_[child] < heap_[least]) least = child;
      }
      if (least == at) return;
      swap(at, least);
      at = least;
    }
  }
  void remove(std::uint32_t at) noexcept {
    const auto last = static_cast<std::uint32_t>(heap_.size()) - 1;
    place_[heap_[at].second] = absent;
    if (at != last) {
      heap_[at] = heap_[last];
      place_[heap_[at].second] = at;
    }
    heap_.pop_back();
    if (at != last) {
      up(at);
      down(at);
    }
  }
  std::vector<Entry> heap_;
  std::vector<std::uint32_t> place_;
};

}  // namespace sluice
