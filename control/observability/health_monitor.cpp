#include "control/observability/health_monitor.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice {

using nlohmann::json;

namespace {

/// Samples of one window at most: with a very short interval the window has coarser steps instead of more memory.
constexpr std::size_t samples_max = 4096;

double rate_of(std::uint64_t good, std::uint64_t all) {
  return all == 0 ? 1.0 : std::min(1.0, static_cast<double>(good) / static_cast<double>(all));
}

}  // namespace

HealthMonitor::HealthMonitor(Bus& bus, const RoomMetrics& metrics, Values values, HealthMonitorOptions options,
                             TimePoint now)
    : bus_(bus), metrics_(metrics), values_(std::move(values)), options_(std::move(options)) {
  next_check_ = now + options_.check_interval;
  history_.emplace_back(now, metrics_.totals());
}

void HealthMonitor::set_options(HealthMonitorOptions options, TimePoint now) {
  options_ = std::move(options);
  next_check_ = now + options_.check_interval;
  std::erase_if(breached_, [&](const auto& entry) {
    return std::none_of(options_.slos.begin(), options_.slos.end(), [&](const Slo& slo) { return slo.name == entry.first; });
  });
}

RoomMetrics::Totals HealthMonitor::within_window(TimePoint now) const {
  // The last sample at or before the window's begin is what the counters stood at then.
  const RoomMetrics::Totals* begin = &history_.front().second;
  for (const auto& [at, totals] : history_) {
    if (at > now - options_.window) break;
    begin = &totals;
  }
  const RoomMetrics::Totals& end = metrics_.totals();
  RoomMetrics::Totals difference;
  difference.joins = end.joins - begin->joins;
  difference.rejected = end.rejected - begin->rejected;
  difference.reconnects = end.reconnects - begin->reconnects;
  difference.reconnect_attempts = end.reconnect_attempts - begin->reconnect_attempts;
  return difference;
}

std::optional<double> HealthMonitor::value_of(std::string_view name, TimePoint now) const {
  if (name == "join_success_rate") {
    const RoomMetrics::Totals counted = within_window(now);
    return rate_of(counted.joins, counted.joins + counted.rejected);
  }
  if (name == "reconnect_success_rate") {
    const RoomMetrics::Totals counted = within_window(now);
    return rate_of(counted.reconnects, counted.reconnect_attempts);
  }
  // Without joins there is no latency that could be too long: 0, as in the reference.
  if (name == "join_latency_p95_ms") return metrics_.join_latency_p95_ms(now - options_.window).value_or(0);
  if (name == "rooms") return static_cast<double>(metrics_.rooms().rooms().size());
  if (name == "peers") return static_cast<double>(metrics_.rooms().peers().size());
  return values_(name);
}

std::vector<HealthMonitor::Verdict> HealthMonitor::judge(TimePoint now) const {
  std::vector<Verdict> verdicts;
  for (const Slo& slo : options_.slos) {
    const std::optional<double> actual = value_of(slo.name, now);
    verdicts.push_back({&slo, actual, slo.met(actual)});
  }
  return verdicts;
}

void HealthMonitor::handle_timeout(TimePoint now) {
  if (now < next_check_) return;
  next_check_ = now + options_.check_interval;
  const std::vector<Verdict> verdicts = judge(now);
  std::vector<SloBreached> entered;
  std::vector<SloRecovered> left;
  for (const Verdict& verdict : verdicts) {
    bool& breached = breached_[verdict.slo->name];
    if (std::exchange(breached, !verdict.passing) == !verdict.passing) continue;
    if (verdict.passing) {
      left.push_back({verdict.slo->name, verdict.actual, verdict.slo->target});
    } else {
      entered.push_back({verdict.slo->name, *verdict.actual, verdict.slo->target, verdict.slo->severity});
    }
  }
  const json checks = checks_of(verdicts);
  history_.emplace_back(now, metrics_.totals());
  // One sample at or before the window's begin stays: it is what the rest is counted from.
  while (history_.size() > 1 && history_[1].first <= now - options_.window) history_.pop_front();
  if (history_.size() > samples_max) history_.erase(history_.begin() + 1);
  // Facts last: a subscriber may change the options.
  for (const SloBreached& fact : entered) bus_.publish(fact);
  for (const SloRecovered& fact : left) bus_.publish(fact);
  bus_.publish(HealthChecked{checks});
}

json HealthMonitor::checks_of(const std::vector<Verdict>& verdicts) {
  json checks = json::array();
  for (const Verdict& verdict : verdicts) {
    checks.push_back({{"name", verdict.slo->name},
                      {"passing", verdict.passing},
                      {"actual", verdict.actual ? json(*verdict.actual) : json()},
                      {"target", verdict.slo->target},
                      {"severity", to_string(verdict.slo->severity)}});
  }
  return checks;
}

bool HealthMonitor::is_healthy(TimePoint now) const {
  for (const Verdict& verdict : judge(now)) {
    if (!verdict.passing) return false;
  }
  return true;
}

json HealthMonitor::report(TimePoint now, std::int64_t unix_ms) const {
  const std::vector<Verdict> verdicts = judge(now);
  json breaches = json::array();
  for (const Verdict& verdict : verdicts) {
    if (verdict.passing) continue;
    breaches.push_back({{"slo", verdict.slo->name},
                        {"current", *verdict.actual},
                        {"actual", *verdict.actual},
                        {"target", verdict.slo->target},
                        {"severity", to_string(verdict.slo->severity)}});
  }
  const bool healthy = breaches.empty();
  return {{"status", healthy ? "healthy" : "degraded"},
          {"healthy", healthy},
          {"service", options_.service_name},
          {"ts", unix_ms},
          {"uptimeMs", std::chrono::duration_cast<std::chrono::milliseconds>(now - metrics_.started()).count()},
          {"checks", checks_of(verdicts)},
          {"breaches", std::move(breaches)},
          {"server", {{"rooms", metrics_.rooms().rooms().size()}, {"peers", metrics_.rooms().peers().size()}}}};
}

}  // namespace sluice
