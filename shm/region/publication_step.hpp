#pragma once

namespace sluice {

/// What every publishing operation calls between two stores that another process can see. The default does nothing and
/// compiles to nothing; tests pass a callable that kills the process, or hands over to another thread, at the n-th call.
struct NoSteps {
  constexpr void operator()() const noexcept {}
};

}  // namespace sluice
