#pragma once

namespace sluice {

/// States something that only a mistake of our own can break; stays on in release builds. A false condition stops the
/// process at once, and supervision restarts it: going on with a corrupt pool would forward someone else's bytes.
inline void require(bool condition) noexcept {
  if (!condition) [[unlikely]]
    __builtin_trap();
}

}  // namespace sluice
