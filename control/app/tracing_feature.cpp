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

TracingFeature::TracingFeature(FeatureContext& context) : context_(context), notices_(context.hooks, context.now) {
  if (context.config.observability.tracer) put_into_place();
  add_operations();
}

void TracingFeature::put_into_place() {
  const config::TracerConfig& config = *context_.config.observability.tracer;
  tracer_ = std::make_unique<Tracer>(context_.bus, context_.rooms, context_.entropy, context_.now, context_.unix_ms,
                                     options_of(config));
  if (!config.otlp_url.empty()) add_exporter(config.otlp_url, SpanExporterOptions::Format::otlp, config);
  if (!config.exporter_url.empty()) add_exporter(config.exporter_url, SpanExporterOptions::Format::contract, config);
  tracer_->on_finished([this](const Span& span) {
    for (const auto& exporter : exporters_) exporter->add(span, context_.now());
    // Over the socket a program takes them one by one, and few at a time: admissions are asked by the same way.
    if (context_.hooks.attached("exporter")) notices_.tell("exporter", {{"spans", {span_json(span)}}});
    if (context_.events.heard()) context_.events.emit("span:finished", span_json(span));
  });
  context_.collectors.emplace_back([this](PrometheusText& out) { write(out); });
}

bool TracingFeature::attach(std::string_view module) {
  if (module != "tracer") return false;
  put_into_place();
  return true;
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
  add_span_operations();
}

/// Spans of operators' programs. Those that are open when the program goes end with this process, as abandoned.
void TracingFeature::add_span_operations() {
  const auto attached = [this](auto answer) {
    return [this, answer](const json& params, const OperationCaller&, const OperationReply& reply) {
      if (!tracer_) return reply(unexpected(OperationError{OperationError::Kind::unavailable, "Tracer not attached"}));
      reply(answer(params));
    };
  };
  const auto no_span = [] { return unexpected(OperationError{OperationError::Kind::not_found, "Span not found"}); };
  const Operation::Parameter span{"spanId", "string", true, "from traces.startSpan"};
  context_.operations.add({"traces.startSpan",
                           "begins a span of one's own; at most 1000 may be open",
                           {{"name", "string", true, "its name"},
                            {"traceId", "string", false, "32 hex digits; without it a new trace begins"},
                            {"attrs", "object", false, "its attributes"}},
                           "{spanId, traceId}",
                           attached([this](const json& params) -> OperationResult {
                             constexpr std::size_t open_max = 1000;
                             if (open_spans_.size() >= open_max)
                               return unexpected(OperationError{OperationError::Kind::refused, "Too many spans are open"});
                             Tracer::SpanHandle handle =
                                 tracer_->start_span(text_of(params, "name"), optional_text(params, "traceId").value_or(""),
                                                     params.value("attrs", json::object()));
                             json answer{{"spanId", handle.span_id()}, {"traceId", handle.trace_id()}};
                             open_spans_.emplace(handle.span_id(), std::move(handle));
                             return answer;
                           })});
  context_.operations.add({"traces.addEvent",
                           "notes something that happened in a span",
                           {span, {"name", "string", true, "its name"}, {"attrs", "object", false, "its attributes"}},
                           "{spanId}",
                           attached([this, no_span](const json& params) -> OperationResult {
                             const auto found = open_spans_.find(text_of(params, "spanId"));
                             if (found == open_spans_.end()) return no_span();
                             found->second.add_event(text_of(params, "name"), params.value("attrs", json::object()));
                             return json{{"spanId", found->first}};
                           })});
  context_.operations.add(
      {"traces.endSpan",
       "ends a span",
       {span, {"status", "string", false, "ok (default) or error"}, {"error", "string", false, "what went wrong"}},
       "{spanId}",
       attached([this, no_span](const json& params) -> OperationResult {
         const auto found = open_spans_.find(text_of(params, "spanId"));
         if (found == open_spans_.end()) return no_span();
         const bool failed = optional_text(params, "status").value_or("ok") == "error";
         found->second.end(failed ? Span::Status::error : Span::Status::ok, optional_text(params, "error").value_or(""));
         const std::string id = found->first;
         open_spans_.erase(found);
         return json{{"spanId", id}};
       })});
  context_.operations.add({"traces.ofPeer",
                           "the trace of a peer's life",
                           {{"peerId", "string", true, "the peer"}},
                           "{traceId}: null for a peer that is not there",
                           attached([this](const json& params) -> OperationResult {
                             const auto trace = tracer_->trace_id_of(PeerId(text_of(params, "peerId")));
                             return json{{"traceId", trace ? json(*trace) : json()}};
                           })});
}

}  // namespace sluice::app
