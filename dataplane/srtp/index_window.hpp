#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

/// Which of the last 1,024 indices were seen (RFC 3711 section 3.3.2). Knows nothing below its window and says `old` there.
/// Not part of any lasting state: a successor only learns the highest index and counts everything up to it as seen.
class IndexWindow {
 public:
  static constexpr std::uint64_t size = 1024;
  enum class Verdict : std::uint8_t { fresh, seen, old };

  IndexWindow() noexcept : IndexWindow(0) {}
  /// Nothing was seen if `next` is 0; otherwise everything below `next` counts as seen.
  explicit IndexWindow(std::uint64_t next) noexcept : next_(next) {
    if (next != 0) bits_.fill(~std::uint64_t{0});
  }

  /// Highest index seen + 1.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

  [[nodiscard]] Verdict check(std::uint64_t index) const noexcept {
    if (index >= next_) return Verdict::fresh;
    if (next_ - index > size) return Verdict::old;
    return (bits_[word(index)] & bit(index)) != 0 ? Verdict::seen : Verdict::fresh;
  }

  /// Marks a fresh index as seen.
  void mark(std::uint64_t index) noexcept {
    if (index >= next_) {
      if (index - next_ >= size) {
        bits_.fill(0);
      } else {
        for (std::uint64_t i = next_; i < index; ++i) bits_[word(i)] &= ~bit(i);
      }
      next_ = index + 1;
    }
    bits_[word(index)] |= bit(index);
  }

 private:
  static constexpr std::size_t word(std::uint64_t index) noexcept { return static_cast<std::size_t>(index % size / 64); }
  static constexpr std::uint64_t bit(std::uint64_t index) noexcept { return std::uint64_t{1} << (index % 64); }
  // A ring of bits: index i has bit i % 1024, so the window moves without shifting.
  std::array<std::uint64_t, size / 64> bits_{};
  std::uint64_t next_;
};

}  // namespace sluice
