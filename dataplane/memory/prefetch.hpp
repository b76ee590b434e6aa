#pragma once

#include <cstddef>

namespace sluice {

/// Asks for `size` bytes at `address` to be in the cache soon. With hundreds of subscribers the state of each has left the
/// cache since the last packet; asked for some subscribers ahead, its lines arrive while the others are served. Only a hint:
/// any address will do.
inline void prefetch(const void* address, std::size_t size = 1) noexcept {
  constexpr std::size_t line = 64;
  const char* at = static_cast<const char*>(address);
  for (std::size_t offset = 0; offset < size; offset += line) __builtin_prefetch(at + offset, 1);
}

}  // namespace sluice
