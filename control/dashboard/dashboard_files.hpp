#pragma once

#include <span>

#include "control/page/page_files.hpp"

namespace sluice {

/// Every file of the dashboard, by its path below /dashboard ("/index.html"), embedded at build time.
[[nodiscard]] std::span<const PageFile> dashboard_files() noexcept;

}  // namespace sluice
