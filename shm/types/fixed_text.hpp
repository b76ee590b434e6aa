#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

/// A short text of at most N characters in place: no pointer, standard layout, so it may lie in shared memory.
template <std::size_t N>
class FixedText {
  static_assert(N < 256);

 public:
  constexpr FixedText() = default;
  /// Nothing when the text is longer than N.
  [[nodiscard]] static constexpr std::optional<FixedText> from(std::string_view text) noexcept {
    if (text.size() > N) return std::nullopt;
    FixedText result;
    result.size_ = static_cast<std::uint8_t>(text.size());
    std::copy(text.begin(), text.end(), result.characters_.begin());
    return result;
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept {
    // The size is clamped: in shared memory the other side may have written anything.
    return {characters_.data(), std::min<std::size_t>(size_, N)};
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  friend constexpr bool operator==(const FixedText& a, const FixedText& b) noexcept { return a.view() == b.view(); }

 private:
  std::uint8_t size_ = 0;
  std::array<char, N> characters_{};
};

using Mid = FixedText<31>;     // RFC 9143; the header extension carries at most 16 bytes with one-byte headers
using Rid = FixedText<31>;     // RFC 8851
using Ufrag = FixedText<255>;  // RFC 8445 section 5.3: up to 256; we make 8 and accept 255
using IcePassword = FixedText<255>;

}  // namespace sluice
