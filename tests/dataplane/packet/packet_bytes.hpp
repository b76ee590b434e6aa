#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "shm/types/bytes.hpp"

namespace sluice {

/// Bytes from a list of numbers; for tests.
inline std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
  std::vector<std::byte> result;
  for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

inline unsigned digit_of(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/// Bytes from hexadecimal digits; spaces are skipped; for tests.
inline std::vector<std::byte> bytes_of_hex(std::string_view text) {
  std::vector<std::byte> result;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    if (high < 0) {
      high = static_cast<int>(digit_of(c));
      continue;
    }
    result.push_back(static_cast<std::byte>(static_cast<unsigned>(high) << 4U | digit_of(c)));
    high = -1;
  }
  return result;
}

/// The first `size` bytes in memory of exactly that size, so that AddressSanitizer sees a read past the end.
inline std::vector<std::byte> cut(Bytes bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace sluice
