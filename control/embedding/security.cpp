#include "sluice/security.hpp"

#include <algorithm>
#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"

namespace sluice::rooms {

using embedding::list_in;
using embedding::put;

namespace {

Json tree_of(const RateLimiterOptions& options) {
  Json tree = Json::object();
  put(tree, "maxConnPerMin", options.maxConnPerMin);
  put(tree, "maxMsgPerSec", options.maxMsgPerSec);
  put(tree, "maxMsgPerMin", options.maxMsgPerMin);
  put(tree, "banDurationMs", options.banDurationMs);
  put(tree, "whitelist", options.whitelist);
  return tree;
}

Json tree_of(const ThreatDetectorOptions& options) {
  Json tree = Json::object();
  if (!options.thresholds.is_null()) tree["thresholds"] = options.thresholds;
  put(tree, "whitelist", options.whitelist);
  return tree;
}

Json tree_of(const AuditLoggerOptions& options) {
  Json tree = Json::object();
  put(tree, "filePath", options.filePath);
  put(tree, "maxFileSizeBytes", options.maxFileSizeBytes);
  put(tree, "ringSize", options.ringSize);
  put(tree, "redactIp", options.redactIp);
  put(tree, "serviceName", options.serviceName);
  return tree;
}

std::vector<Ban> bans_in(const Json& answer) {
  std::vector<Ban> bans;
  for (const Json& ban : list_in(answer, "bans"))
    bans.push_back({ban.value("ip", std::string()), embedding::number_in(ban, "expiresIn")});
  return bans;
}

Json ban_params(const std::string& ip, std::optional<std::int64_t> ms) {
  Json params{{"ip", ip}};
  put(params, "durationMs", ms);
  return params;
}

}  // namespace

RateLimiter::RateLimiter(const RateLimiterOptions& options) : Module("rateLimiter", tree_of(options)) {}
void RateLimiter::ban(const std::string& ip, std::optional<std::int64_t> ms) const {
  (void)ask("rateLimiter.ban", ban_params(ip, ms));
}
void RateLimiter::unban(const std::string& ip) const {
  (void)ask("rateLimiter.unban", {{"ip", ip}});
}
std::vector<Ban> RateLimiter::bans() const {
  return bans_in(ask("rateLimiter.bans"));
}

ThreatDetector::ThreatDetector(ThreatDetectorOptions options) : Module("threatDetector", tree_of(options)) {
  if (!options.onThreat) return;
  answer("onThreat", [handler = std::move(options.onThreat)](const Json& threat) {
    handler(threat);
    return Json::object();
  });
}
bool ThreatDetector::isBanned(const std::string& ip) const {
  const std::vector<Ban> all = bans();
  return std::any_of(all.begin(), all.end(), [&](const Ban& ban) { return ban.ip == ip; });
}
void ThreatDetector::ban(const std::string& ip, std::optional<std::int64_t> ms) const {
  (void)ask("bans.add", ban_params(ip, ms));
}
void ThreatDetector::unban(const std::string& ip) const {
  (void)ask("bans.remove", {{"ip", ip}});
}
std::vector<Ban> ThreatDetector::bans() const {
  return bans_in(ask("bans.list"));
}
Json ThreatDetector::stats() const {
  return ask("bans.list").value("stats", Json::object());
}

AuditLogger::AuditLogger(AuditLoggerOptions options) : Module("auditLogger", tree_of(options)) {
  if (!options.sink) return;
  answer("sink", [handler = std::move(options.sink)](const Json& entry) {
    handler(entry);
    return Json::object();
  });
}
void AuditLogger::log(const std::string& event, const Json& fields) const {
  (void)ask("audit.record", {{"event", event}, {"fields", fields}});
}
std::vector<Json> AuditLogger::query(const AuditQuery& query) const {
  Json params{{"limit", query.limit}};
  put(params, "event", query.event);
  put(params, "peerId", query.peerId);
  put(params, "roomId", query.roomId);
  put(params, "since", query.since);
  return list_in(ask("audit.query", std::move(params)), "entries");
}

}  // namespace sluice::rooms
