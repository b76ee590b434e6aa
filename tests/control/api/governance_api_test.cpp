#include "control/api/governance_api.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/control/api/api_request.hpp"

namespace sluice {
namespace {

using loop::HttpMethod;
using nlohmann::json;

class GovernanceApiTest : public ::testing::Test {
 protected:
  loop::HttpResponse call(HttpMethod method, const std::string& path, const std::string& body = "",
                          const std::string& query = "") {
    return test::ask(api, method, path, body, query);
  }
  json get(const std::string& path, const std::string& query = "") {
    return json::parse(call(HttpMethod::get, path, "", query).body);
  }
  /// An operation that tells what it was asked.
  void attach(const std::string& name, std::vector<Operation::Parameter> parameters = {}) {
    operations.add({name, "", std::move(parameters), "",
                    [name](const json& params, const OperationCaller& caller, const OperationReply& reply) {
                      EXPECT_EQ(caller.origin, "http");
                      reply(json{{"called", name}, {"params", params}});
                    }});
  }

  Operations operations;
  GovernanceApi api{operations, [](PrometheusText& out) { out.single("x", PrometheusText::Type::gauge, "X.", 1); }, {}};
};

TEST_F(GovernanceApiTest, GivesTheEmptyAnswersOfModulesThatAreNotAttached) {
  EXPECT_EQ(get("/audit"), (json{{"entries", json::array()}, {"count", 0}}));
  const auto lines = call(HttpMethod::get, "/audit/export");
  EXPECT_EQ(lines.content_type, "application/x-ndjson");
  EXPECT_EQ(lines.body, "");
  EXPECT_EQ(get("/compliance/consents"), (json{{"rooms", json::array()}}));
  EXPECT_EQ(get("/compliance/consents/r"), (json{{"roomId", "r"}, {"records", json::array()}}));
  EXPECT_EQ(call(HttpMethod::get, "/compliance/consents/r/p").status, 503);
  EXPECT_EQ(call(HttpMethod::post, "/compliance/consents/r/p", R"({"types":["recording"]})").status, 503);
  EXPECT_EQ(call(HttpMethod::del, "/compliance/consents/r/p").status, 503);
  EXPECT_TRUE(get("/residency").contains("message"));
  EXPECT_TRUE(get("/sessions").contains("message"));
  EXPECT_EQ(call(HttpMethod::del, "/sessions/p").status, 503);
  EXPECT_EQ(get("/traces"), (json{{"spans", json::array()}, {"count", 0}}));
  EXPECT_EQ(get("/sfu"), (json{{"sfus", json::array()}}));
  EXPECT_EQ(get("/threats")["bans"], json::array());
  EXPECT_EQ(get("/threats")["stats"]["whitelist"], json::array());
  EXPECT_EQ(json::parse(call(HttpMethod::del, "/threats/bans/10.0.0.1").body),
            (json{{"unbanned", true}, {"ip", "10.0.0.1"}}));
  EXPECT_EQ(call(HttpMethod::get, "/health/slo").status, 503);
}

TEST_F(GovernanceApiTest, CallsTheOperationOfEachRow) {
  attach("audit.query", {{"limit", "integer", false, ""}, {"since", "integer", false, ""}, {"event", "string", false, ""}});
  EXPECT_EQ(get("/audit", "limit=5&event=peer%3Ajoined&since=12&roomId=a+b")["params"],
            (json{{"limit", 5}, {"event", "peer:joined"}, {"since", 12}, {"roomId", "a b"}}));
  EXPECT_EQ(get("/audit", "limit=many")["params"], json::object()) << "what is no number is left out";
  attach("consent.stats");
  attach("consent.list");
  attach("consent.get");
  attach("consent.grant");
  attach("consent.revoke");
  EXPECT_EQ(get("/compliance/consents/")["called"], "consent.stats") << "trailing slashes are tolerated";
  EXPECT_EQ(get("/admin/compliance/consents/a%2Fb")["params"]["roomId"], "a/b");
  EXPECT_EQ(get("/compliance/consents/r/p")["params"], (json{{"roomId", "r"}, {"peerId", "p"}}));
  EXPECT_EQ(json::parse(call(HttpMethod::post, "/compliance/consents/r/p", R"({"types":["x"],"more":1})").body)["params"],
            (json{{"roomId", "r"}, {"peerId", "p"}, {"types", {"x"}}}));
  EXPECT_EQ(json::parse(call(HttpMethod::post, "/compliance/consents/r/p", "no json").body)["params"].contains("types"),
            false);
  EXPECT_EQ(json::parse(call(HttpMethod::del, "/compliance/consents/r/p").body)["called"], "consent.revoke");
  const std::vector<std::tuple<HttpMethod, std::string, std::string>> plain{
      {HttpMethod::get, "/residency", "residency.stats"},   {HttpMethod::get, "/sessions", "sessions.stats"},
      {HttpMethod::del, "/sessions/p", "sessions.expire"},  {HttpMethod::get, "/traces", "traces.query"},
      {HttpMethod::get, "/sfu", "sfu.orchestrator"},        {HttpMethod::get, "/threats", "bans.list"},
      {HttpMethod::del, "/threats/bans/::1", "bans.remove"}};
  for (const auto& [method, path, operation] : plain) {
    attach(operation);
    EXPECT_EQ(json::parse(call(method, path).body)["called"], operation);
  }
}

TEST_F(GovernanceApiTest, StreamsAnExportPageByPage) {
  std::vector<std::pair<json, OperationReply>> asked;
  operations.add({"audit.export", "", {}, "", [&](const json& params, const OperationCaller&, const OperationReply& reply) {
                    asked.emplace_back(params, reply);
                  }});
  const auto page = [](const std::string& text, const json& next) {
    return json{{"ndjson", text}, {"next", next}, {"to", 9}};
  };
  std::optional<loop::HttpResponse> response;
  loop::HttpRequest request;
  request.path = "/audit/export";
  api.handle(request, [&](loop::HttpResponse answer) { response = std::move(answer); });
  asked.at(0).second(page(std::string(300'000, 'a'), 3));
  ASSERT_TRUE(response && response->source);
  EXPECT_EQ(response->content_type, "application/x-ndjson");
  using Next = loop::HttpBodySource::Next;
  int ready = 0;
  response->source->on_ready([&] { ++ready; });
  std::string piece;
  EXPECT_EQ(response->source->next(piece), Next::piece);
  EXPECT_EQ(asked.size(), 1U) << "the next page is asked for when this one has been taken";
  EXPECT_EQ(response->source->next(piece), Next::piece);
  EXPECT_EQ(piece.size(), 300'000U);
  EXPECT_EQ(response->source->next(piece), Next::later);
  EXPECT_EQ(response->source->next(piece), Next::later);
  ASSERT_EQ(asked.size(), 2U) << "once";
  EXPECT_EQ(asked[1].first, (json{{"after", 3}, {"to", 9}}));
  asked[1].second(page("", 5));  // a page may be empty
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(response->source->next(piece), Next::later);
  asked.at(2).second(page("b\n", nullptr));
  EXPECT_EQ(response->source->next(piece), Next::piece);
  EXPECT_TRUE(piece.ends_with("b\n"));
  EXPECT_EQ(response->source->next(piece), Next::end);

  api.handle(request, [&](loop::HttpResponse answer) { response = std::move(answer); });
  asked.at(3).second(page("c", 3));
  EXPECT_EQ(response->source->next(piece), Next::piece);
  EXPECT_EQ(response->source->next(piece), Next::later);
  asked.at(4).second(tl::unexpected(OperationError{OperationError::Kind::unavailable, "busy"}));
  EXPECT_EQ(response->source->next(piece), Next::failed);
  api.handle(request, [&](loop::HttpResponse answer) { response = std::move(answer); });
  asked.at(5).second(page("d", 3));
  EXPECT_EQ(response->source->next(piece), Next::piece);
  EXPECT_EQ(response->source->next(piece), Next::later);
  response.reset();  // the client has gone
  asked.at(6).second(page("e", nullptr));
}

TEST_F(GovernanceApiTest, GivesLinesMetricsHealthAndFailover) {
  operations.add({"audit.export", "", {}, "", [](const json&, const OperationCaller&, const OperationReply& reply) {
                    reply(json{{"ndjson", "{}\n{}\n"}});
                  }});
  EXPECT_EQ(call(HttpMethod::get, "/audit/export").body, "{}\n{}\n");
  EXPECT_EQ(call(HttpMethod::get, "/metrics/prometheus").content_type, "text/plain; version=0.0.4");
  EXPECT_NE(call(HttpMethod::get, "/admin/metrics/prometheus").body.find("x 1"), std::string::npos);
  const GovernanceApi bare(operations, {}, {});
  loop::HttpRequest request;
  request.path = "/metrics/prometheus";
  EXPECT_EQ(test::ask(bare, request).status, 503);
  EXPECT_EQ(json::parse(test::ask(bare, request).body)["error"], "MetricsCollector not attached");
  std::string status = "healthy";
  operations.add({"health.slo", "", {}, "", [&status](const json&, const OperationCaller&, const OperationReply& reply) {
                    reply(json{{"status", status}});
                  }});
  EXPECT_EQ(call(HttpMethod::get, "/health/slo").status, 200);
  status = "degraded";
  EXPECT_EQ(call(HttpMethod::get, "/health/slo").status, 503);
  EXPECT_EQ(json::parse(call(HttpMethod::post, "/sfu/failover").body)["error"], "fromRegion required");
  EXPECT_EQ(call(HttpMethod::post, "/sfu/failover", R"({"fromRegion":"eu"})").status, 503);
  attach("sfu.failover");
  EXPECT_EQ(
      json::parse(
          call(HttpMethod::post, "/sfu/failover", R"({"fromRegion":"eu","toRegion":"us"})").body)["params"]["toRegion"],
      "us");
}

TEST_F(GovernanceApiTest, AsksForTheSecretAndKeepsErrorsToItself) {
  const GovernanceApi closed(operations, {}, {"s3cret", "/admin"});
  loop::HttpRequest request;
  request.path = "/audit";
  EXPECT_EQ(test::ask(closed, request).status, 401);
  EXPECT_EQ(json::parse(test::ask(closed, request).body)["error"], "Unauthorized");
  request.authorization = "Bearer s3cret";
  EXPECT_EQ(test::ask(closed, request).status, 200);
  operations.add({"bans.list", "", {}, "", [](const json&, const OperationCaller&, const OperationReply& reply) {
                    reply(unexpected(OperationError{OperationError::Kind::internal, "a stack trace"}));
                  }});
  const auto broken = call(HttpMethod::get, "/threats");
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(json::parse(broken.body)["error"], "Internal server error");
  EXPECT_EQ(call(HttpMethod::get, "/nothing").status, 404);
  EXPECT_EQ(call(HttpMethod::post, "/audit").status, 404);
  EXPECT_EQ(call(HttpMethod::get, "/compliance/consents/r/p/x").status, 404);
}

}  // namespace
}  // namespace sluice
