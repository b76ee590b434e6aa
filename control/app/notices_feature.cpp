#include "control/app/notices_feature.hpp"

#include <string>
#include <utility>

#include "control/compliance/retention/retention_policy.hpp"
#include "control/hooks/http_hook.hpp"
#include "control/security/facts.hpp"

namespace sluice::app {

using nlohmann::json;

NoticesFeature::NoticesFeature(FeatureContext& context) : context_(context), notices_(context.hooks, context.now) {
  attach(context.config);
  follow();
  context.collectors.emplace_back([this](PrometheusText& out) { write(out); });
}

void NoticesFeature::attach(const config::ServerConfig& config) {
  const config::PolicyConfig& policy = config.policy;
  std::vector<std::string> wanted{policy.on_threat_url, policy.on_expiry_url, policy.on_purge_url, policy.hook_secret};
  // Whoever attaches last is told: a reload that changes nothing here must not take over from a client of the socket.
  if (wanted == attached_) return;
  attached_ = std::move(wanted);
  attachments_.clear();
  const auto attach_url = [&](const char* hook, const std::string& url) {
    if (url.empty()) return;
    attachments_.push_back(
        context_.hooks.attach(hook, http_hook(context_.http, context_.entropy,
                                              [now = context_.now, unix_ms = context_.unix_ms] { return unix_ms(now()); },
                                              {url, policy.hook_secret, true})));
  };
  attach_url("onThreat", policy.on_threat_url);
  attach_url("onExpiry", policy.on_expiry_url);
  attach_url("onPurge", policy.on_purge_url);
}

void NoticesFeature::follow() {
  // By the fact, not by the feed of events: whoever listens there has every message of every member built as JSON.
  subscriptions_.push_back(context_.bus.subscribe<ThreatDetected>([this](const ThreatDetected& fact) {
    notices_.tell("onThreat", {{"level", std::string(to_string(fact.level))},
                               {"threat", fact.threat},
                               {"peer", fact.peer ? json(fact.peer->value) : json(nullptr)},
                               {"ip", fact.ip},
                               {"ts", context_.unix_ms(context_.now())}});
  }));
  subscriptions_.push_back(context_.bus.subscribe<DataExpired>([this](const DataExpired& fact) {
    notices_.tell("onExpiry",
                  {{"type", fact.record.type}, {"id", fact.record.id}, {"meta", fact.record.meta}, {"reason", fact.reason}});
  }));
  subscriptions_.push_back(context_.bus.subscribe<DataPurged>([this](const DataPurged& fact) {
    json records = json::array();
    for (const RetentionRecord& record : fact.records) records.push_back(record.to_json());
    notices_.tell("onPurge", {{"sub", fact.sub}, {"records", std::move(records)}});
  }));
}

void NoticesFeature::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const HookNotices::Statistics& statistics = notices_.statistics();
  out.family("sluice_hook_notices_told_total", counter, "Notices that a hook took: onThreat, onExpiry, onPurge.")
      .sample(statistics.told);
  out.family("sluice_hook_notices_failed_total", counter, "Notices that no hook took: away, an error, or too late.")
      .sample(statistics.failed);
  out.family("sluice_hook_notices_dropped_total", counter, "Notices dropped because too many waited for their hook.")
      .sample(statistics.dropped);
}

}  // namespace sluice::app
