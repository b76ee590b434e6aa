#pragma once

#include <string_view>

namespace sluice::cli {

/// Writes all of `text` to a blocking socket; false when the other end is gone or its patience over.
[[nodiscard]] bool send_all(int fd, std::string_view text);

}  // namespace sluice::cli
