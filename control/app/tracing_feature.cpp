#include "control/app/tracing_feature.hpp"

#include <algorithm>

#include "control/app/operation_params.hpp"

namespace sluice::app {

using nlohmann::json;

namespace {

TracerOptions options_of(const config::TracerConfig& config) {
  TracerOptions options;
  options.mode = config.mode == "console" ? TracerMode::console
                 : config.mode == "noop"  ? TracerMode::noop
                                          : TracerMode::buffer;
  options.buffer_size = config.buffer_size;
  options.service_name = config.service_name;
  return options;
}

/// What an answer means for a batch (OTLP/HTTP specification, "Failures").
SpanExporter::Outcome outcome_of(const HttpOutcome& answer) {
  if (!answer) return SpanExporter::Outcome::try_again;
  if (answer->success()) return SpanExporter::Outcome::delivered;
  const int status = answer->status;
  const bool later = status == 429 || status == 502 || status == 503 || status == 504;
  return later ? SpanExporter::Outcome::try_again : SpanExporter::Outcome::refused;
}

}  // namespace

TracingFeature::TracingFeature(FeatureContext& context) : context_(context) {
  if (context.config.observability.tracer) {
    const config::TracerConfig& config = *context.config.observability.tracer;
    tracer_ = std::make_unique<Tracer>(context.bus, context.rooms, context.entropy, context.now, context.unix_ms,
                                       options_of(config));
    if (!config.otlp_url.empty()) add_exporter(config.otlp_url, SpanExporterOptions::Format::otlp, config);
    if (!config.exporter_url.empty()) add_exporter(config.exporter_url, SpanExporterOptions::Format::contract, config);
    tracer_->on_finished([this](const Span& span) {
      for (const auto& exporter : exporters_) exporter->add(span, context_.now());
      if (context_.events.heard()) context_.events.emit("span:finished", span_json(span));
    });
    context.collectors.emplace_back([this](PrometheusText& out) { write(out); });
  }
  add_operations();
}

void TracingFeature::add_exporter(const std::string& url, SpanExporterOptions::Format format,
                                  const config::TracerConfig& config) {
  SpanExporterOptions options;
  options.format = format;
  options.service_name = config.service_name;
  HttpCall call;
  call.url = url;
  call.headers = {{"Content-Type", "application/json"}};
  if (format == SpanExporterOptions::Format::otlp)
    call.headers.insert(call.headers.end(), config.otlp_headers.begin(), config.otlp_headers.end());
  const auto post = [this, call](std::string body, const SpanExporter::Done& done) {
    HttpCall request = call;
    request.body = std::move(body);
    context_.http.call(std::move(request),
                       [this, done](const HttpOutcome& answer) { done(outcome_of(answer), context_.now()); });
  };
  exporters_.push_back(std::make_unique<SpanExporter>(post, options));
}

void TracingFeature::handle_timeout(TimePoint now) {
  for (const auto& exporter : exporters_) exporter->handle_timeout(now);
}

TimePoint TracingFeature::next_deadline() const {
  TimePoint next = never;
  for (const auto& exporter : exporters_) next = std::min(next, exporter->next_deadline());
  return next;
}

void TracingFeature::reload(const config::ServerConfig& config) {
  if (tracer_ && config.observability.tracer) tracer_->set_options(options_of(*config.observability.tracer));
}

void TracingFeature::stop() {
  for (const auto& exporter : exporters_) exporter->flush(context_.now());
}

void TracingFeature::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  SpanExporter::Stats sum;
  for (const auto& exporter : exporters_) {
    const SpanExporter::Stats stats = exporter->stats();
    sum.exported += stats.exported;
    sum.dropped += stats.dropped;
  }
  out.family("sluice_spans_finished_total", counter, "Spans finished.").sample(tracer_->stats().finished);
  out.family("sluice_spans_exported_total", counter, "Spans that an exporter's endpoint took.").sample(sum.exported);
  out.family("sluice_spans_dropped_total", counter, "Spans not exported: queue full, refused, or out of attempts.")
      .sample(sum.dropped);
}

void TracingFeature::add_operations() {
  context_.operations.add({"traces.query",
                           "finished spans, newest last",
                           {{"limit", "integer", false, "at most so many, default 100"},
                            {"name", "string", false, "of the span"},
                            {"traceId", "string", false, "32 hex digits"}},
                           "{spans[], count}",
                           [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                             json spans = json::array();
                             if (tracer_) {
                               Tracer::Filter filter;
                               filter.limit = count_of(params, "limit", 100);
                               filter.name = optional_text(params, "name");
                               filter.trace_id = optional_text(params, "traceId");
                               for (const Span* span : tracer_->spans(filter)) spans.push_back(span_json(*span));
                             }
                             const std::size_t count = spans.size();
                             reply(json{{"spans", std::move(spans)}, {"count", count}});
                           }});
  context_.operations.add({"traces.stats",
                           "how many spans there are",
                           {},
                           "{activeSpans, buffered, activePeerTraces}",
                           [this](const json&, const OperationCaller&, const OperationReply& reply) {
                             const Tracer::Stats stats = tracer_ ? tracer_->stats() : Tracer::Stats{};
                             reply(json{{"activeSpans", stats.active_spans},
                                        {"buffered", stats.buffered},
                                        {"activePeerTraces", stats.active_peer_traces}});
                           }});
}

}  // namespace sluice::app
