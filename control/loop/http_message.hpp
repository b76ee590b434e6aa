#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice::loop {

enum class HttpMethod { get, head, post, put, patch, del, options, other };

/// One request, whole. Header names are lower case.
struct HttpRequest {
  HttpMethod method = HttpMethod::get;
  std::string path;   // percent-decoded by the listener, without the query
  std::string query;  // as sent, without '?'
  std::string body;   // at most the listener's limit
  std::string remote_ip;
  std::string authorization;
  std::string origin;
  std::string host;  // as the client wrote it, with the port if it wrote one
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

}  // namespace sluice::loop
