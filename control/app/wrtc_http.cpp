#include "control/app/wrtc_http.hpp"

#include <utility>

namespace sluice::app {
namespace {

loop::HttpResponse response_of(WrtcAppEndpoint::Answer answer) {
  return {answer.status, "application/json; charset=utf-8", std::move(answer.json), {{"access-control-allow-origin", "*"}}};
}

}  // namespace

void WrtcHttp::http(const loop::HttpRequest& request, loop::HttpReply reply) {
  if (request.method == loop::HttpMethod::options) {
    loop::HttpResponse response{204, "", "", {{"access-control-allow-origin", "*"}}};
    response.headers.emplace_back("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    response.headers.emplace_back("vary", "Access-Control-Request-Headers");
    if (const auto wanted = request.header("access-control-request-headers"))
      response.headers.emplace_back("access-control-allow-headers", *wanted);
    return reply(std::move(response));
  }
  if (request.path != "/app") return reply(page(request));
  if (request.method != loop::HttpMethod::post) return reply(response_of(WrtcAppEndpoint::failure(404, "Not Found")));
  reply(response_of(endpoint_.post(request.header("content-type").value_or(""), request.body)));
}

loop::HttpResponse WrtcHttp::page(const loop::HttpRequest& request) const {
  const bool reads = request.method == loop::HttpMethod::get || request.method == loop::HttpMethod::head;
  auto file = reads ? demo_.find(request.path) : std::nullopt;
  if (!file) return response_of(WrtcAppEndpoint::failure(404, "Not Found"));
  loop::HttpResponse response{200, std::string(file->content_type), std::move(file->content), {}};
  response.headers.emplace_back("cache-control", "no-cache");
  if (!file->tag.empty()) response.headers.emplace_back("etag", std::move(file->tag));
  response.headers.emplace_back("x-content-type-options", "nosniff");
  response.headers.emplace_back("content-security-policy",
                                "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; "
                                "frame-ancestors 'none'; base-uri 'none'; form-action 'self'");
  return response;
}

void WrtcPort::http(const loop::HttpRequest& request, loop::HttpReply reply) {
  if (socketio_.claims(request)) return socketio_.http(request, std::move(reply));
  if (http_.claims(request) || request.method == loop::HttpMethod::options) return http_.http(request, std::move(reply));
  if (request.path == "/" && request.method == loop::HttpMethod::get)
    return reply(response_of(WrtcAppEndpoint::failure(401, "Unauthorized")));
  reply(response_of(WrtcAppEndpoint::failure(404, "Not Found")));
}

}  // namespace sluice::app
