#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice::socketio {

/// Which of many owners is due next, where deadlines move far more often than they fire: an owner is asked again when its
/// entry comes up, and put back if it has got more time. Whoever moves a deadline forward to an earlier time adds an entry;
/// whoever moves it back adds none. Sixteen bytes for each entry.
class DeadlineHeap {
 public:
  void add(TimePoint at, std::uint64_t owner) {
    if (at == never) return;
    entries_.emplace_back(at, owner);
    std::push_heap(entries_.begin(), entries_.end(), std::greater<>());
  }
  [[nodiscard]] TimePoint next() const noexcept { return entries_.empty() ? never : entries_.front().first; }
  /// Takes out the earliest entry if it is due: when, whose. One that is not the owner's latest is to be ignored by it.
  std::optional<std::pair<TimePoint, std::uint64_t>> take_due(TimePoint now) {
    if (entries_.empty() || entries_.front().first > now) return std::nullopt;
    std::pop_heap(entries_.begin(), entries_.end(), std::greater<>());
    const auto entry = entries_.back();
    entries_.pop_back();
    return entry;
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  std::vector<std::pair<TimePoint, std::uint64_t>> entries_;
};

}  // namespace sluice::socketio
