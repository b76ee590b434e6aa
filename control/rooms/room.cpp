#include "control/rooms/room.hpp"

#include <algorithm>
#include <array>

namespace sluice {

bool is_blank(std::string_view text) noexcept {
  // White space outside ASCII in UTF-8: U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000, U+FEFF.
  constexpr std::array<std::string_view, 18> wide = {
      "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
      "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89",
      "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  while (!text.empty()) {
    const char first = text.front();
    if (first == ' ' || (first >= '\t' && first <= '\r')) {
      text.remove_prefix(1);
      continue;
    }
    const auto* found =
        std::find_if(wide.begin(), wide.end(), [&](std::string_view space) { return text.starts_with(space); });
    if (found != wide.end()) {
      text.remove_prefix(found->size());
    } else if (text.starts_with(byte_order_mark)) {
      text.remove_prefix(byte_order_mark.size());
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace sluice
