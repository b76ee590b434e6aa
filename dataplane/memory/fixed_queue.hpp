#pragma once

#include <bit>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/memory/require.hpp"

namespace sluice {

/// A first-in first-out queue whose capacity is set at construction, its only allocation. Full policy is the caller's:
/// push() refuses the newest; pop first to drop the oldest. T is default-constructible and movable; a popped place is
/// reset to T{}, so what it owned is released at once.
template <typename T>
class FixedQueue {
 public:
  explicit FixedQueue(std::size_t capacity)
      : values_(std::bit_ceil(capacity == 0 ? std::size_t{1} : capacity)), capacity_(capacity) {}

  /// False, and `value` untouched, when the queue is full.
  [[nodiscard]] bool push(T&& value) noexcept {
    if (size_ == capacity_) return false;
    values_[index(size_)] = std::move(value);
    ++size_;
    return true;
  }
  [[nodiscard]] bool push(const T& value) noexcept {
    T copy = value;
    return push(std::move(copy));
  }
  /// The oldest value; nothing when empty.
  [[nodiscard]] std::optional<T> pop() noexcept {
    if (size_ == 0) return std::nullopt;
    std::optional<T> value(std::exchange(values_[first_], T{}));
    first_ = (first_ + 1) & (values_.size() - 1);
    --size_;
    return value;
  }
  void clear() noexcept {
    while (size_ > 0) (void)pop();
  }

  /// The i-th value counted from the oldest; i < size().
  [[nodiscard]] T& operator[](std::size_t i) noexcept {
    require(i < size_);
    return values_[index(i)];
  }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    require(i < size_);
    return values_[index(i)];
  }
  [[nodiscard]] T& front() noexcept { return (*this)[0]; }
  [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }
  [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - 1]; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }

 private:
  [[nodiscard]] std::size_t index(std::size_t i) const noexcept { return (first_ + i) & (values_.size() - 1); }

  std::vector<T> values_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice
