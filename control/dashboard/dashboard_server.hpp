#pragma once

#include <string_view>

#include "control/loop/http_message.hpp"

namespace sluice {

/// Whether a path is one of the dashboard's files: "/", "/dashboard" and what lies below it.
[[nodiscard]] bool is_dashboard_path(std::string_view path) noexcept;

/// The file of such a path; 404 for one that is none. No file holds anything secret.
[[nodiscard]] loop::HttpResponse serve_dashboard(const loop::HttpRequest& request);

}  // namespace sluice
