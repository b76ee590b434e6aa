#include "control/app/outside_metrics.hpp"

#include <chrono>
#include <string>

namespace sluice::app {
namespace {

using enum PrometheusText::Type;

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

void write_hooks(PrometheusText& out, const Hooks& hooks) {
  const auto each = [&](const char* name, const char* help, auto value) {
    out.family(name, counter, help);
    for (const auto& [hook, statistics] : hooks.by_hook()) out.sample(value(statistics), prometheus_label("hook", hook));
  };
  using Statistics = Hooks::Statistics;
  if (!hooks.by_hook().empty()) {
    each("sluice_hook_calls_total", "Questions asked of the operator's programs.",
         [](const Statistics& one) { return one.calls; });
    each("sluice_hook_failures_total", "Of those, without a usable answer.",
         [](const Statistics& one) { return one.failures; });
    each("sluice_hook_timeouts_total", "Of the failures, without any answer in time.",
         [](const Statistics& one) { return one.timeouts; });
    each("sluice_hook_answer_seconds_total", "Time that the answers took, together.",
         [](const Statistics& one) { return seconds(one.answer_time); });
  }
  out.family("sluice_hooks_pending", gauge, "Questions that wait for an answer.").sample(hooks.pending());
}

void write_http(PrometheusText& out, const HttpClient& http) {
  const HttpClientStatistics& statistics = http.statistics();
  out.family("sluice_http_client_calls_total", counter, "HTTP calls made to others: hooks, webhooks, alerts, traces, sinks.")
      .sample(statistics.calls);
  out.family("sluice_http_client_answers_total", counter, "Of those, answered, by the first digit of the status.");
  for (std::size_t digit = 0; digit < statistics.answers.size(); ++digit) {
    const std::string name = digit == 0 ? "other" : std::to_string(digit) + "xx";
    out.sample(statistics.answers[digit], prometheus_label("status", name));
  }
  out.family("sluice_http_client_failures_total", counter, "Of those, without an answer, by the reason.");
  for (std::size_t kind = 0; kind < statistics.failures.size(); ++kind) {
    out.sample(statistics.failures[kind], prometheus_label("reason", to_string(static_cast<HttpFailure::Kind>(kind))));
  }
  out.single("sluice_http_client_answer_seconds_total", counter, "Time that the answers took, together.",
             seconds(statistics.answer_time));
  out.family("sluice_http_client_active", gauge, "HTTP calls under way.").sample(http.pending() - http.waiting());
  out.family("sluice_http_client_waiting", gauge, "HTTP calls that wait for a turn.").sample(http.waiting());
}

}  // namespace

void collect_outside(FeatureContext& context) {
  context.collectors.push_back([&context](PrometheusText& out) {
    write_hooks(out, context.hooks);
    write_http(out, context.http);
  });
}

}  // namespace sluice::app
