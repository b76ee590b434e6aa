#include "control/dashboard/dashboard_server.hpp"

#include <algorithm>
#include <string>

#include "control/dashboard/dashboard_files.hpp"

namespace sluice {

namespace {

constexpr std::string_view folder = "/dashboard";

std::string_view type_of(std::string_view path) {
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

}  // namespace

bool is_dashboard_path(std::string_view path) noexcept {
  return path == "/" || path == folder ||
         (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

loop::HttpResponse serve_dashboard(const loop::HttpRequest& request) {
  std::string path = request.path == "/" ? std::string("/") : request.path.substr(folder.size());
  if (path.empty() || path == "/") path = "/index.html";
  const auto files = dashboard_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const PageFile& file) { return file.path == path; });
  const bool reads = request.method == loop::HttpMethod::get || request.method == loop::HttpMethod::head;
  if (found == files.end() || !reads) return {404, "application/json", R"({"error":"Not found"})", {}};
  return {
      200,
      std::string(type_of(path)),
      std::string(found->content),
      {{"cache-control", "no-cache"},
       {"content-security-policy",
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"},
       {"x-content-type-options", "nosniff"},
       {"referrer-policy", "no-referrer"}}};
}

}  // namespace sluice
