#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "control/api/http_api.hpp"

namespace sluice::test {

/// The answer of an API to a request that it answers at once.
inline loop::HttpResponse ask(const HttpApi& api, const loop::HttpRequest& request) {
  std::optional<loop::HttpResponse> answer;
  api.handle(request, [&answer](loop::HttpResponse response) { answer = std::move(response); });
  EXPECT_TRUE(answer) << request.path;
  return answer.value_or(loop::HttpResponse{});
}

inline loop::HttpResponse ask(const HttpApi& api, loop::HttpMethod method, const std::string& path, const std::string& body,
                              const std::string& query) {
  loop::HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body;
  request.query = query;
  return ask(api, request);
}

}  // namespace sluice::test
