#pragma once

#include <string_view>

namespace sluice {

/// Whether an Authorization header carries "Bearer SECRET". Takes the same time for every wrong secret of one length. True
/// for every header when `secret` is empty: then the listener is on loopback.
[[nodiscard]] bool bearer_allows(std::string_view authorization, std::string_view secret) noexcept;

}  // namespace sluice
