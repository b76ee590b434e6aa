#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "dataplane/memory/require.hpp"

namespace sluice {

/// At most N values in place, in order. Full policy: the newest is refused (push_back returns nullptr). For state in shared
/// memory use std::array and a count instead: this type is not trivially copyable.
template <typename T, std::size_t N>
class FixedVector {
 public:
  using value_type = T;

  FixedVector() noexcept {}
  FixedVector(FixedVector&& other) noexcept { take(other); }
  FixedVector& operator=(FixedVector&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  FixedVector(const FixedVector& other) noexcept
    requires std::is_copy_constructible_v<T>
  {
    for (const T& value : other) (void)push_back(value);
  }
  FixedVector& operator=(const FixedVector& other) noexcept
    requires std::is_copy_constructible_v<T>
  {
    if (this != &other) {
      clear();
      for (const T& value : other) (void)push_back(value);
    }
    return *this;
  }
  ~FixedVector() { clear(); }

  /// The new last value, or nullptr when N are here already.
  template <typename... Arguments>
  T* emplace_back(Arguments&&... arguments) noexcept {
    if (size_ == N) return nullptr;
    T* value = std::construct_at(at(size_), std::forward<Arguments>(arguments)...);
    ++size_;
    return value;
  }
  T* push_back(T value) noexcept { return emplace_back(std::move(value)); }
  void pop_back() noexcept {
    require(size_ > 0);
    std::destroy_at(at(--size_));
  }
  /// Removes one value and moves the later ones up; keeps the order.
  void erase_at(std::size_t index) noexcept {
    require(index < size_);
    for (std::size_t i = index; i + 1 < size_; ++i) *at(i) = std::move(*at(i + 1));
    pop_back();
  }
  void clear() noexcept {
    while (size_ > 0) pop_back();
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] static constexpr std::size_t capacity() noexcept { return N; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == N; }
  [[nodiscard]] T& operator[](std::size_t index) noexcept {
    require(index < size_);
    return *at(index);
  }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
    require(index < size_);
    return *at(index);
  }
  [[nodiscard]] T& front() noexcept { return (*this)[0]; }
  [[nodiscard]] T& back() noexcept { return (*this)[size_ - 1]; }
  [[nodiscard]] T* data() noexcept { return at(0); }
  [[nodiscard]] const T* data() const noexcept { return at(0); }
  [[nodiscard]] T* begin() noexcept { return at(0); }
  [[nodiscard]] T* end() noexcept { return at(0) + size_; }
  [[nodiscard]] const T* begin() const noexcept { return at(0); }
  [[nodiscard]] const T* end() const noexcept { return at(0) + size_; }

 private:
  void take(FixedVector& other) noexcept {
    for (T& value : other) (void)emplace_back(std::move(value));
    other.clear();
  }
  [[nodiscard]] T* at(std::size_t index) noexcept { return reinterpret_cast<T*>(storage_.data()) + index; }
  [[nodiscard]] const T* at(std::size_t index) const noexcept { return reinterpret_cast<const T*>(storage_.data()) + index; }

  alignas(T) std::array<std::byte, sizeof(T) * N> storage_;
  std::size_t size_ = 0;
};

}  // namespace sluice
