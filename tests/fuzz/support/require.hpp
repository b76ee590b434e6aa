#pragma once

#include <cstdlib>

namespace sluice::fuzz {

/// What must hold whatever the input; a fuzzer keeps the input by which it does not.
inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace sluice::fuzz
