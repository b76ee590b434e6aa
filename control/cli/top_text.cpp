// Texts of `sluice top`: numbers for people, and texts from outside that a terminal may be given.
#include <array>
#include <cmath>
#include <cstdio>

#include "control/cli/top_screen.hpp"

namespace sluice::cli {

namespace {

/// One character of UTF-8 at the beginning of `text`; 0 bytes when it is none.
struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;
};

Character first_character(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  const std::size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
  if (length == 0 || length > text.size()) return {};
  std::uint32_t code = length == 1 ? byte : byte & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U) return {};
    code = (code << 6U) | (next & 0x3FU);
  }
  return {code, length};
}

/// Blocks that terminals show in two columns (East Asian wide, emoji).
bool is_wide(std::uint32_t code) {
  return (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) || (code >= 0xAC00 && code <= 0xD7A3) ||
         (code >= 0xF900 && code <= 0xFAFF) || (code >= 0xFE30 && code <= 0xFE6F) || (code >= 0xFF00 && code <= 0xFF60) ||
         (code >= 0xFFE0 && code <= 0xFFE6) || (code >= 0x1F300 && code <= 0x1FAFF) || (code >= 0x20000 && code <= 0x3FFFD);
}

/// Controls, and what moves or hides text: combining marks, joiners, direction overrides.
bool is_unsafe(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || (code >= 0x300 && code <= 0x36F) ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
         (code >= 0xFE00 && code <= 0xFE0F) || code == 0xFEFF || (code >= 0xFFF9 && code <= 0xFFFB) || code >= 0xE0000;
}

std::string formatted(const char* format, double number) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, number);
  return text.data();
}

/// Three significant digits at most.
std::string short_number(double number) {
  return formatted(number >= 99.95 ? "%.0f" : "%.3g", number);
}

}  // namespace

std::string grouped(double number) {
  if (!std::isfinite(number) || std::abs(number) >= 1e15) return "-";
  std::string digits = std::to_string(std::llround(number));
  for (std::size_t at = digits.size(); at > 3 && digits[at - 4] != '-';) digits.insert(at -= 3, ",");
  return digits;
}

std::string scaled(double number, std::string_view unit) {
  constexpr std::array<std::string_view, 5> prefixes{"", "k", "M", "G", "T"};
  if (!std::isfinite(number) || number < 0) return "-";
  std::size_t prefix = 0;
  while (number >= 999.5 && prefix + 1 < prefixes.size()) {
    number /= 1000;
    ++prefix;
  }
  const std::string name = std::string(prefixes.at(prefix)) + std::string(unit);
  return name.empty() ? short_number(number) : short_number(number) + " " + name;
}

std::string binary_scaled(double bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  if (!std::isfinite(bytes) || bytes < 0) return "-";
  std::size_t unit = 0;
  while (bytes >= 1023.5 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return short_number(bytes) + " " + std::string(units.at(unit));
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  if (seconds < 0.9995e-3) return short_number(seconds * 1e6) + " µs";
  if (seconds < 0.9995) return short_number(seconds * 1e3) + " ms";
  return short_number(seconds) + " s";
}

std::string terminal_safe(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    const bool shown = character.bytes > 0 && !is_unsafe(character.code);
    const std::size_t width = shown && is_wide(character.code) ? 2 : 1;
    const bool is_last = character.bytes >= text.size() || (character.bytes == 0 && text.size() == 1);
    // Room for an ellipsis, unless this is the end.
    if (used + width > columns || (!is_last && used + width + 1 > columns)) return columns == 0 ? out : out + "…";
    out += shown ? std::string(text.substr(0, character.bytes)) : "?";
    used += width;
    text.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    columns += is_wide(character.code) ? 2 : 1;
    text.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
  }
  return columns;
}

}  // namespace sluice::cli
