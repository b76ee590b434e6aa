#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/app/feature_context.hpp"
#include "control/hooks/hook_notices.hpp"
#include "control/observability/span_exporter.hpp"
#include "control/observability/tracer.hpp"

namespace sluice::app {

/// Tracer (contract section 28) with its exporters, operations `traces.*`, the event `span:finished`.
class TracingFeature final : public Feature {
 public:
  explicit TracingFeature(FeatureContext& context);
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_deadline() const override;
  void reload(const config::ServerConfig& config) override;
  [[nodiscard]] bool attach(std::string_view module) override;
  void stop() override;

 private:
  void put_into_place();
  void add_exporter(const std::string& url, SpanExporterOptions::Format format, const config::TracerConfig& config);
  void write(PrometheusText& out) const;
  void add_operations();
  void add_span_operations();

  FeatureContext& context_;
  HookNotices notices_;
  std::vector<std::unique_ptr<SpanExporter>> exporters_;
  std::unique_ptr<Tracer> tracer_;  // null: not attached
  std::map<std::string, Tracer::SpanHandle, std::less<>>
      open_spans_;  // of operators' programs; they end before the tracer does
};

}  // namespace sluice::app
