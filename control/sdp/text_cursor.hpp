#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::sdp {

/// Takes tokens off the front of one line.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }

  /// Up to the separator, which is consumed; all the rest when it does not occur.
  std::string_view until(char separator) noexcept {
    const auto at = rest_.find(separator);
    const std::string_view token = rest_.substr(0, at);
    rest_ = at == std::string_view::npos ? std::string_view() : rest_.substr(at + 1);
    return token;
  }
  /// The next word, spaces before it skipped; empty at the end.
  std::string_view word() noexcept {
    const auto from = rest_.find_first_not_of(' ');
    rest_ = from == std::string_view::npos ? std::string_view() : rest_.substr(from);
    return until(' ');
  }

 private:
  std::string_view rest_;
};

/// A decimal number that fills the whole text; no sign, no spaces.
template <typename T>
[[nodiscard]] std::optional<T> number(std::string_view text) noexcept {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// RFC 8866 `token`: visible ASCII without separators. Mids, rids and group semantics are tokens.
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool visible = c > 0x20 && c < 0x7F;
    if (!visible || std::string_view("\"(),/:;<=>?@[\\]").find(c) != std::string_view::npos) return false;
  }
  return true;
}

/// Visible ASCII only.
[[nodiscard]] constexpr bool is_visible(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (const char c : text)
    if (c <= 0x20 || c >= 0x7F) return false;
  return true;
}

}  // namespace sluice::sdp
