#pragma once

#include <tl/expected.hpp>

namespace sluice {

/// A value or an error of the module's own enum class. Becomes std::expected when the compiler has it: only here.
template <typename T, typename E>
using Result = tl::expected<T, E>;

using tl::unexpected;

}  // namespace sluice
