#pragma once

#include "control/loop/http_message.hpp"

namespace sluice {

/// Serves the demo page: `/` and the files it needs; 404 for all else. Nothing from the request reaches a file system.
[[nodiscard]] loop::HttpResponse serve_page(const loop::HttpRequest& request);

}  // namespace sluice
