#include "control/signaling/url/url_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice::url {
namespace {

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
  return std::nullopt;
}

/// How many bytes the character that begins with `lead` has, and the smallest code point that needs so many.
struct Sequence {
  std::size_t bytes = 0;  // 0: no character begins so
  std::uint32_t smallest = 0;
};
Sequence sequence_of(unsigned char lead) noexcept {
  if (lead < 0x80) return {1, 0};
  if (lead < 0xC2) return {};
  if (lead < 0xE0) return {2, 0x80};
  if (lead < 0xF0) return {3, 0x800};
  if (lead < 0xF5) return {4, 0x10000};
  return {};
}

}  // namespace

std::string percent_decoded(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (high && low) {
        decoded += static_cast<char>(*high * 16U + *low);
        i += 2;
        continue;
      }
    }
    decoded += text[i] == '+' && plus == Plus::space ? ' ' : text[i];
  }
  return decoded;
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (percent_decoded(pair.substr(0, equals), Plus::space) != key) continue;
    return equals == std::string_view::npos ? "" : percent_decoded(pair.substr(equals + 1), Plus::space);
  }
  return std::nullopt;
}

std::vector<std::string> path_segments(std::string_view raw_path) {
  std::vector<std::string> segments;
  if (raw_path.starts_with('/')) raw_path.remove_prefix(1);
  while (true) {
    const std::size_t slash = raw_path.find('/');
    segments.push_back(percent_decoded(raw_path.substr(0, slash)));
    if (slash == std::string_view::npos) return segments;
    raw_path.remove_prefix(slash + 1);
  }
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const Sequence sequence = sequence_of(lead);
    if (sequence.bytes == 0 || i + sequence.bytes > text.size()) return false;
    std::uint32_t point = sequence.bytes == 1 ? lead : lead & (0x7FU >> sequence.bytes);
    for (std::size_t k = 1; k < sequence.bytes; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0U) != 0x80U) return false;
      point = (point << 6U) | (next & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < sequence.smallest || surrogate || point > 0x10FFFF) return false;
    i += sequence.bytes;
  }
  return true;
}

}  // namespace sluice::url
