#include "control/api/governance_api.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/api/http_terms.hpp"
#include "control/api/paged_body.hpp"

namespace sluice {

using loop::HttpMethod;
using loop::HttpRequest;
using loop::HttpResponse;
using nlohmann::json;

namespace {

/// Turns the answer of a module into that of the API.
using Shape = HttpResponse (*)(json result);

HttpResponse as_it_is(json result) {
  return json_response(200, result);
}
HttpResponse as_lines(json result) {
  std::string text;
  if (const auto lines = result.find("ndjson"); lines != result.end() && lines->is_string())
    text = lines->get<std::string>();
  return {200, "application/x-ndjson", std::move(text), {{"cache-control", "no-store"}}};
}
HttpResponse as_health(json result) {
  const bool degraded = result.value("status", json()) == "degraded";
  return json_response(degraded ? 503 : 200, result);
}

/// One row of the contract's table.
struct Row {
  HttpMethod method;
  const char* path;  // ":name" takes one segment; the last one all that is left
  const char* operation;
  std::vector<const char*> query;  // parameters taken from it; numbers where the operation wants such
  std::vector<const char*> body;   // members taken from it
  json missing;                    // the answer without the module; null: 503 with `module`
  const char* module;
  Shape shape = as_it_is;
};

const std::vector<Row>& rows() {
  using enum HttpMethod;
  static const std::vector<Row> table{
      {get,
       "/audit",
       "audit.query",
       {"limit", "event", "peerId", "roomId", "since", "until"},
       {},
       {{"entries", json::array()}, {"count", 0}},
       "AuditLogger"},
      {get, "/audit/export", "audit.export", {}, {}, {{"ndjson", ""}}, "AuditLogger", as_lines},
      {get, "/compliance/consents", "consent.stats", {}, {}, {{"rooms", json::array()}}, "ConsentFlow"},
      {get, "/compliance/consents/:roomId/:peerId", "consent.get", {}, {}, nullptr, "ConsentFlow"},
      {post, "/compliance/consents/:roomId/:peerId", "consent.grant", {}, {"types"}, nullptr, "ConsentFlow"},
      {del, "/compliance/consents/:roomId/:peerId", "consent.revoke", {}, {}, nullptr, "ConsentFlow"},
      {get, "/compliance/consents/:roomId", "consent.list", {}, {}, {{"records", json::array()}}, "ConsentFlow"},
      {get, "/residency", "residency.stats", {}, {}, {{"message", "DataResidency not attached"}}, "DataResidency"},
      {get, "/sessions", "sessions.stats", {}, {}, {{"message", "SessionManager not attached"}}, "SessionManager"},
      {del, "/sessions/:peerId", "sessions.expire", {}, {}, nullptr, "SessionManager"},
      {get, "/traces", "traces.query", {"limit", "name"}, {}, {{"spans", json::array()}, {"count", 0}}, "Tracer"},
      {get, "/sfu", "sfu.orchestrator", {}, {}, {{"sfus", json::array()}}, "SFUOrchestrator"},
      {get,
       "/threats",
       "bans.list",
       {},
       {},
       {{"bans", json::array()}, {"stats", {{"bans", 0}, {"trackedPeers", 0}, {"whitelist", json::array()}}}},
       "ThreatDetector"},
      {del, "/threats/bans/:ip", "bans.remove", {}, {}, {{"unbanned", true}}, "ThreatDetector"},
      {get, "/health/slo", "health.slo", {}, {}, nullptr, "HealthMonitor", as_health},
  };
  return table;
}

/// The values of a pattern's names in `path`; nothing when it does not fit. Segments are percent-decoded once more, as for
/// the admin API: what a path cannot hold is escaped twice.
std::optional<json> fitted(std::string_view pattern, std::string_view path) {
  json values = json::object();
  while (!pattern.empty()) {
    if (!pattern.starts_with("/") || !path.starts_with("/")) return std::nullopt;
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view name = pattern.substr(0, end);
    pattern.remove_prefix(end);
    const std::size_t size = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, size);
    path.remove_prefix(size);
    if (segment.empty()) return std::nullopt;
    if (name.starts_with(":")) {
      values[std::string(name.substr(1))] = percent_decoded(segment);
    } else if (name != segment) {
      return std::nullopt;
    }
  }
  return path.empty() ? std::optional(values) : std::nullopt;
}

/// A query parameter in the type that the operation wants. A number that is none is left out, as by the reference.
void take_query(json& params, const Operation& operation, const char* name, const std::string& query) {
  const auto text = query_value(query, name);
  if (!text || text->empty()) return;
  bool is_number = false;
  for (const Operation::Parameter& parameter : operation.parameters)
    is_number = is_number || (parameter.name == name && (parameter.type == "integer" || parameter.type == "number"));
  if (!is_number) {
    params[name] = *text;
    return;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && end == text->data() + text->size()) params[name] = number;
}

}  // namespace

GovernanceApi::GovernanceApi(const Operations& operations, WriteMetrics write_metrics, Options options)
    : HttpApi(operations, std::move(write_metrics), std::move(options), "governance.adminSecret") {}

void GovernanceApi::route(const HttpRequest& request, const Reply& reply) const {
  std::string path = path_of(request);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const HttpMethod method = request.method == HttpMethod::head ? HttpMethod::get : request.method;
  const json body = body_object(request.body).value_or(json::object());
  if (method == HttpMethod::get && path == "/metrics/prometheus")
    return reply(metrics().value_or(error_response(503, "MetricsCollector not attached")));
  if (method == HttpMethod::get && path == "/openapi.json")
    return reply(openapi().value_or(error_response(404, "Not found")));
  if (method == HttpMethod::post && path == "/sfu/failover") {
    const auto from = body.find("fromRegion");
    if (from == body.end() || !from->is_string() || from->get_ref<const std::string&>().empty())
      return reply(error_response(400, "fromRegion required"));
    if (operations().find("sfu.failover") == nullptr) return reply(error_response(503, "SFUOrchestrator not attached"));
    json params{{"fromRegion", *from}};
    if (const auto to = body.find("toRegion"); to != body.end() && to->is_string()) params["toRegion"] = *to;
    return operations().call("sfu.failover", params, {"http", request.remote_ip},
                             OperationReply([reply](OperationResult result) {
                               reply(result ? json_response(200, *result) : error_response(result.error()));
                             }));
  }
  for (const Row& row : rows()) {
    if (row.method != method) continue;
    std::optional<json> params = fitted(row.path, path);
    if (!params) continue;
    const Operation* operation = operations().find(row.operation);
    if (operation == nullptr) {
      if (row.missing.is_null()) return reply(error_response(503, std::string(row.module) + " not attached"));
      json answer = row.missing;
      if (row.shape == as_it_is) answer.update(*params);
      return reply(row.shape(std::move(answer)));
    }
    for (const char* name : row.query) take_query(*params, *operation, name, request.query);
    for (const char* name : row.body) {
      if (const auto member = body.find(name); member != body.end()) (*params)[name] = *member;
    }
    const OperationCaller caller{"http", request.remote_ip};
    return operations().call(
        row.operation, *params, caller, OperationReply([reply, &row, caller, &all = operations()](OperationResult result) {
          if (!result) return reply(error_response(result.error()));
          const bool more = row.shape == as_lines && result->is_object() && !result->value("next", json()).is_null();
          if (!more) return reply(row.shape(std::move(*result)));
          HttpResponse response = as_lines(json::object());
          response.source = std::make_shared<PagedBody>(all, row.operation, caller, std::move(*result));
          reply(std::move(response));
        }));
  }
  reply(error_response(404, "Not found"));
}

}  // namespace sluice
