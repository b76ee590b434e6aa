#include "control/api/http_api.hpp"

#include <utility>

#include "control/api/bearer.hpp"
#include "control/api/http_terms.hpp"

namespace sluice {

using loop::HttpRequest;
using loop::HttpResponse;

HttpApi::HttpApi(const Operations& operations, WriteMetrics write_metrics, Options options, std::string secret_option)
    : operations_(operations),
      write_metrics_(std::move(write_metrics)),
      options_(std::move(options)),
      secret_option_(std::move(secret_option)) {}

void HttpApi::handle(const HttpRequest& request, const Reply& given_reply) const {
  const Reply reply = [this, given_reply, request = observer_ ? request : HttpRequest{}](HttpResponse response) {
    if (observer_) observer_(request, response.status);
    given_reply(std::move(response));
  };
  if (!bearer_allows(request.authorization, options_.secret)) return reply(error_response(401, "Unauthorized"));
  if (options_.secret.empty() && comes_from_a_web_page(request.host, request.origin))
    return reply(error_response(403, "Requests from web pages need a secret: set " + secret_option_));
  route(request, reply);
}

std::string HttpApi::path_of(const HttpRequest& request) const {
  return path_below(request.path, options_.prefix);
}

std::optional<HttpResponse> HttpApi::openapi() const {
  if (openapi_.empty()) return std::nullopt;
  return HttpResponse{200, "application/json", std::string(openapi_), {}};
}

std::optional<HttpResponse> HttpApi::metrics() const {
  if (!write_metrics_) return std::nullopt;
  PrometheusText text;
  write_metrics_(text);
  return HttpResponse{200, std::string(PrometheusText::content_type), text.text(), {{"cache-control", "no-store"}}};
}

}  // namespace sluice
