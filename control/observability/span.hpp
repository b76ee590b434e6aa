#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// A finished piece of work in the OpenTelemetry model (contract section 28).
struct Span {
  enum class Status : std::uint8_t { ok, error };
  struct Event {
    std::string name;
    std::int64_t at_ms = 0;  // Unix
    nlohmann::json attributes = nlohmann::json::object();
  };
  std::string trace_id;   // 32 hex digits
  std::string span_id;    // 16 hex digits
  std::string parent_id;  // 16 hex digits; empty: none
  std::string name;
  double start_ms = 0;  // Unix
  double duration_ms = 0;
  Status status = Status::ok;
  nlohmann::json attributes = nlohmann::json::object();
  std::vector<Event> events;
};

/// As the contract shows it.
[[nodiscard]] nlohmann::json span_json(const Span& span);

/// A batch in OTLP/HTTP's JSON (opentelemetry-proto, `ExportTraceServiceRequest`): one resource, one scope.
[[nodiscard]] nlohmann::json otlp_request(const std::vector<Span>& spans, const std::string& service_name);

}  // namespace sluice
