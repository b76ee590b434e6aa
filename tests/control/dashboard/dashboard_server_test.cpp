#include "control/dashboard/dashboard_server.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

loop::HttpResponse get(const std::string& path) {
  loop::HttpRequest request;
  request.path = path;
  return serve_dashboard(request);
}

TEST(Dashboard, ServesItsFilesAndNothingElse) {
  EXPECT_EQ(get("/").body, get("/dashboard").body);
  EXPECT_EQ(get("/").body, get("/dashboard/index.html").body);
  EXPECT_EQ(get("/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/dashboard/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/dashboard/style.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(get("/dashboard/../app.js").status, 404);
  EXPECT_EQ(get("/dashboard/dashboard_server.cpp").status, 404);
  EXPECT_TRUE(is_dashboard_path("/") && is_dashboard_path("/dashboard/x"));
  for (const char* other : {"/health", "/dashboards", "/admin/health", "/metrics", ""}) EXPECT_FALSE(is_dashboard_path(other)) << other;
}

TEST(Dashboard, MayUseNothingFromElsewhere) {
  bool told = false;
  for (const auto& [name, value] : get("/").headers) {
    if (name == "content-security-policy") told = value.find("default-src 'self'") != std::string::npos;
  }
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace sluice
