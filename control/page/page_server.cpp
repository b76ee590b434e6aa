#include "control/page/page_server.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "control/page/page_files.hpp"

namespace sluice {

namespace {

std::string_view type_of(std::string_view path) {
  if (path.ends_with(".html")) return "text/html; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

}  // namespace

loop::HttpResponse serve_page(const loop::HttpRequest& request) {
  using loop::HttpMethod;
  if (request.method != HttpMethod::get && request.method != HttpMethod::head)
    return {405, "text/plain", "Method not allowed\n", {{"allow", "GET, HEAD"}}};
  const std::string_view path = request.path == "/" ? std::string_view("/index.html") : std::string_view(request.path);
  const auto files = page_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const PageFile& file) { return file.path == path; });
  if (found == files.end())
    return {404, "text/plain; charset=utf-8", "There is no such page here. The demo page is at /.\n", {}};
  // The page may use its own scripts, sockets and media, and nothing from elsewhere.
  return {200,
          std::string(type_of(found->path)),
          std::string(found->content),
          {{"cache-control", "no-cache"},
           {"etag", "\"" + std::string(found->tag) + "\""},
           {"x-content-type-options", "nosniff"},
           {"referrer-policy", "no-referrer"},
           {"content-security-policy",
            "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; img-src 'self' data:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"}}};
}

}  // namespace sluice
