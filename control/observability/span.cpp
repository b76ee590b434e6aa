#include "control/observability/span.hpp"

#include <cmath>
#include <string_view>

namespace sluice {

using nlohmann::json;

namespace {

/// A value as OTLP's AnyValue. 64-bit integers are texts in protobuf's JSON.
json any_value(const json& value) {
  if (value.is_boolean()) return {{"boolValue", value}};
  if (value.is_number_integer()) return {{"intValue", value.dump()}};
  if (value.is_number()) return {{"doubleValue", value}};
  if (value.is_string()) return {{"stringValue", value}};
  if (value.is_array()) {
    json values = json::array();
    for (const json& element : value) values.push_back(any_value(element));
    return {{"arrayValue", {{"values", std::move(values)}}}};
  }
  if (value.is_object()) {
    json values = json::array();
    for (const auto& [key, member] : value.items()) values.push_back({{"key", key}, {"value", any_value(member)}});
    return {{"kvlistValue", {{"values", std::move(values)}}}};
  }
  return json::object();  // null: a value that is not set
}

json key_values(const json& attributes, std::string_view leave_out = {}) {
  json list = json::array();
  for (const auto& [key, value] : attributes.items()) {
    if (key != leave_out) list.push_back({{"key", key}, {"value", any_value(value)}});
  }
  return list;
}

std::string nanoseconds(double unix_ms) {
  return std::to_string(static_cast<std::uint64_t>(std::llround(std::max(0.0, unix_ms) * 1000.0))) + "000";
}

json otlp_span(const Span& span) {
  json events = json::array();
  for (const Span::Event& event : span.events) {
    events.push_back({{"timeUnixNano", nanoseconds(static_cast<double>(event.at_ms))},
                      {"name", event.name},
                      {"attributes", key_values(event.attributes)}});
  }
  const bool failed = span.status == Span::Status::error;
  json status{{"code", failed ? 2 : 1}};  // STATUS_CODE_ERROR, STATUS_CODE_OK
  if (const auto error = span.attributes.find("error"); failed && error != span.attributes.end() && error->is_string())
    status["message"] = *error;
  json out{{"traceId", span.trace_id},
           {"spanId", span.span_id},
           {"name", span.name},
           {"kind", 1},  // SPAN_KIND_INTERNAL
           {"startTimeUnixNano", nanoseconds(span.start_ms)},
           {"endTimeUnixNano", nanoseconds(span.start_ms + span.duration_ms)},
           {"attributes", key_values(span.attributes, "service")},  // that is the resource's
           {"events", std::move(events)},
           {"status", std::move(status)}};
  if (!span.parent_id.empty()) out["parentSpanId"] = span.parent_id;
  return out;
}

}  // namespace

json span_json(const Span& span) {
  json events = json::array();
  for (const Span::Event& event : span.events) {
    json entry = event.attributes;
    entry["name"] = event.name;
    entry["ts"] = event.at_ms;
    events.push_back(std::move(entry));
  }
  return {{"traceId", span.trace_id},
          {"spanId", span.span_id},
          {"parentSpanId", span.parent_id.empty() ? json() : json(span.parent_id)},
          {"name", span.name},
          {"startMs", static_cast<std::int64_t>(std::floor(span.start_ms))},
          {"durationMs", span.duration_ms},
          {"status", span.status == Span::Status::ok ? "ok" : "error"},
          {"attrs", span.attributes},
          {"events", std::move(events)}};
}

json otlp_request(const std::vector<Span>& spans, const std::string& service_name) {
  json list = json::array();
  for (const Span& span : spans) list.push_back(otlp_span(span));
  const json scope{{"scope", {{"name", "sluice"}}}, {"spans", std::move(list)}};
  return {{"resourceSpans", json::array({{{"resource", {{"attributes", key_values({{"service.name", service_name}})}}},
                                          {"scopeSpans", json::array({scope})}}})}};
}

}  // namespace sluice
