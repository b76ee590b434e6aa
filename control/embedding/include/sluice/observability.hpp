#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>
#include <sluice/peer.hpp>

namespace sluice::rooms {

struct MetricsCollectorOptions {
  std::optional<bool> collectRoomMetrics = {};
  std::optional<bool> collectSystemMetrics = {};
  std::optional<std::int64_t> systemSampleIntervalMs = {};
  std::optional<std::uint32_t> maxSamplesPerHistogram = {};
};

/// Contract section 26; on without any configuration. The event `metrics` is a snapshot every few seconds.
class SLUICE_API MetricsCollector : public Module {
 public:
  explicit MetricsCollector(const MetricsCollectorOptions& options = {});
  [[nodiscard]] Json snapshot() const;
  /// Nothing for an unknown room.
  [[nodiscard]] std::optional<Json> roomSnapshot(const std::string& roomId) const;
  [[nodiscard]] std::vector<Json> allRoomSnapshots() const;
  /// All metrics in the Prometheus text format.
  [[nodiscard]] std::string prometheus() const;
};

struct TracerOptions {
  std::function<void(const Json& spans)> exporter = {};
  std::optional<std::string> mode = {};  // buffer, console, noop
  std::optional<std::uint32_t> bufferSize = {};
  std::optional<std::string> serviceName = {};
};

struct SpanQuery {
  std::int64_t limit = 100;
  std::optional<std::string> name = {};
  std::optional<std::string> traceId = {};
};

/// Contract section 28. Event: `span:finished`.
class SLUICE_API Tracer : public Module {
 public:
  explicit Tracer(TracerOptions options = {});

  /// A span of the program's own. One that is let go without end() stays open until the server's control process ends.
  class SLUICE_API Span {
   public:
    [[nodiscard]] const std::string& spanId() const noexcept { return id_; }
    [[nodiscard]] const std::string& traceId() const noexcept { return trace_; }
    void addEvent(const std::string& name, const Json& attrs = Json::object()) const;
    void end(const std::string& status = "ok", const std::string& error = "") const;

   private:
    friend class Tracer;
    Span(const Tracer& tracer, std::string id, std::string trace)
        : tracer_(&tracer), id_(std::move(id)), trace_(std::move(trace)) {}
    const Tracer* tracer_;
    std::string id_;
    std::string trace_;
  };
  /// Without a trace id a new trace begins. Must not outlive this object. Error: refused (1000 are open).
  [[nodiscard]] Span startSpan(const std::string& name, const std::optional<std::string>& traceId = std::nullopt,
                               const Json& attrs = Json::object()) const;
  /// The trace of a peer's life.
  [[nodiscard]] std::optional<std::string> getTraceId(const std::string& peerId) const;
  /// Newest last.
  [[nodiscard]] std::vector<Json> getSpans(const SpanQuery& query = {}) const;
  /// {activeSpans, buffered, activePeerTraces}.
  [[nodiscard]] Json stats() const;
};

/// Where alerts go: `console`, `webhook` (with `url`), `custom` (with `handler`).
struct AlertChannel {
  std::string type = "console";
  std::string url = {};
  std::vector<std::string> events = {};                 // names to let through; empty: all
  std::function<void(const Json& alert)> handler = {};  // an exception counts as a failed delivery
};

struct AlertManagerOptions {
  std::vector<AlertChannel> channels = {};
  std::optional<std::int64_t> suppressionWindowMs = {};
  std::optional<std::uint32_t> maxQueueSize = {};
};

struct AlertRequest {
  std::string event;
  std::string severity = "info";  // info, warning, critical
  std::string message = {};
  Json context = Json::object();
  bool recovered = false;
};

/// Contract section 29. Events: `alert`, `alert:suppressed`, `delivery:failed`.
class SLUICE_API AlertManager : public Module {
 public:
  explicit AlertManager(AlertManagerOptions options = {});
  /// Nothing when it was suppressed. Error: invalid_params (no such severity).
  std::optional<Json> alert(const AlertRequest& request) const;
  /// Newest last.
  [[nodiscard]] std::vector<Json> recent(std::int64_t n = 50) const;
  void clearSuppression() const;
};

}  // namespace sluice::rooms
