#include "control/json/json_validator.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace sluice {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// True for bytes that a string may hold as they are, one at a time: ASCII except quote, backslash and control characters.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr auto plain = make_plain();

class Validator {
 public:
  Validator(std::string_view text, std::size_t depth_max) noexcept
      : at_(text.data()), end_(text.data() + text.size()), depth_max_(depth_max) {}

  bool run() {
    bool wants_value = true;  // else what may follow a value
    while (true) {
      skip_spaces();
      if (wants_value) {
        if (at_ == end_) return false;
        const char c = *at_;
        if (c == '{') {
          if (!enter(true)) return false;
          skip_spaces();
          if (at_ != end_ && *at_ == '}') {
            leave();
            wants_value = false;
          } else if (!key()) {
            return false;
          }
          continue;
        }
        if (c == '[') {
          if (!enter(false)) return false;
          skip_spaces();
          if (at_ != end_ && *at_ == ']') {
            leave();
            wants_value = false;
          }
          continue;
        }
        if (!scalar(c)) return false;
        wants_value = false;
        continue;
      }
      if (depth_ == 0) return at_ == end_;
      if (at_ == end_) return false;
      if (*at_ == ',') {
        ++at_;
        if (inside_object()) {
          skip_spaces();
          if (!key()) return false;
        }
        wants_value = true;
      } else if (*at_ == (inside_object() ? '}' : ']')) {
        leave();
      } else {
        return false;
      }
    }
  }

 private:
  void skip_spaces() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool enter(bool object) noexcept {
    if (depth_ >= depth_max_ || depth_ >= kinds_max) return false;
    ++at_;
    std::uint64_t& word = kinds_[depth_ / 64];
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    word = object ? word | bit : word & ~bit;
    ++depth_;
    return true;
  }
  void leave() noexcept {
    ++at_;
    --depth_;
  }
  [[nodiscard]] bool inside_object() const noexcept { return (kinds_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1U) != 0; }

  bool key() noexcept {
    if (at_ == end_ || *at_ != '"' || !string()) return false;
    skip_spaces();
    if (at_ == end_ || *at_ != ':') return false;
    ++at_;
    return true;
  }

  bool scalar(char c) {
    if (c == '"') return string();
    if (c == '-' || is_digit(c)) return number();
    return word("true") || word("false") || word("null");
  }
  bool word(std::string_view name) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < name.size() || std::memcmp(at_, name.data(), name.size()) != 0) return false;
    at_ += name.size();
    return true;
  }

  bool string() noexcept {
    ++at_;
    while (true) {
      while (at_ != end_ && plain[static_cast<unsigned char>(*at_)]) ++at_;
      if (at_ == end_) return false;
      if (*at_ == '"') {
        ++at_;
        return true;
      }
      if (*at_ == '\\' ? !escape() : !wide()) return false;
    }
  }
  bool escape() noexcept {
    if (end_ - at_ < 2) return false;
    const char c = at_[1];
    if (c == 'u') {
      if (end_ - at_ < 6) return false;
      for (int i = 2; i < 6; ++i) {
        if (!is_hex(at_[i])) return false;
      }
      at_ += 6;
      return true;
    }
    if (std::memchr("\"\\/bfnrt", c, 8) == nullptr) return false;
    at_ += 2;
    return true;
  }
  /// One character of several bytes (RFC 3629: shortest form, no surrogates, at most U+10FFFF).
  bool wide() noexcept {
    const auto byte = [this](std::ptrdiff_t i) { return static_cast<unsigned char>(at_[i]); };
    const unsigned char lead = byte(0);
    const std::ptrdiff_t size = lead >= 0xC2 && lead < 0xE0   ? 2
                                : lead >= 0xE0 && lead < 0xF0 ? 3
                                : lead >= 0xF0 && lead < 0xF5 ? 4
                                                              : 0;
    if (size == 0 || end_ - at_ < size) return false;
    for (std::ptrdiff_t i = 1; i < size; ++i) {
      if ((byte(i) & 0xC0U) != 0x80U) return false;
    }
    const unsigned char second = byte(1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second >= 0x90))
      return false;
    at_ += size;
    return true;
  }

  bool number() {
    const char* const begin = at_;
    if (*at_ == '-') ++at_;
    if (at_ == end_ || !is_digit(*at_)) return false;
    if (*at_ == '0') {
      ++at_;
    } else {
      digits();
    }
    bool has_exponent = false;
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      has_exponent = true;
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    constexpr std::ptrdiff_t always_finite = 300;  // digits; the greatest double has 309
    if (!has_exponent && at_ - begin < always_finite) return true;
    return is_finite(begin);
  }
  bool digits() noexcept {
    const char* const begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != begin;
  }
  /// What is too small for a double is zero, what is too large is an error. Rare, so the copy does not matter.
  [[nodiscard]] bool is_finite(const char* begin) const {
    return std::isfinite(std::strtod(std::string(begin, at_).c_str(), nullptr));
  }

  static constexpr std::size_t kinds_max = 1024;
  const char* at_;
  const char* end_;
  std::size_t depth_max_;
  std::size_t depth_ = 0;
  std::array<std::uint64_t, kinds_max / 64> kinds_{};
};

}  // namespace

bool is_valid_json(std::string_view text, std::size_t depth_max) {
  return Validator(text, depth_max).run();
}

}  // namespace sluice
