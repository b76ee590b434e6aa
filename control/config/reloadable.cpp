#include "control/config/reloadable.hpp"

#include <algorithm>
#include <array>

#include "control/config/option.hpp"
#include "control/config/sources.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

/// Options, and (with a dot at the end) whole sections. The part that an option belongs to takes it over in its
/// Feature::reload, or ControlServer does.
constexpr std::array<std::string_view, 40> reloadable{
    "adaptiveBitrate.",
    "alertManager.",
    "dataResidency.geoLookupUrl",
    "drain.onSigterm",
    "features.adaptiveBitrate",
    "features.consentFlow",
    "features.e2eKeyExchange",
    "features.moderationBus",
    "features.multiRegionSfu",
    "features.qosDashboard",
    "healthMonitor.",
    "log.level",
    "metricsCollector.",
    "observability.latencyPercentiles",
    "observability.maxDataPoints",
    "observability.metricsFlushInterval",
    "rateLimit.banDurationMs",
    "rateLimit.maxConnPerMin",
    "rateLimit.maxJoinsPerRoomPerMin",
    "rateLimit.maxJoinsPerTenantPerMin",
    "rateLimit.maxMsgPerMin",
    "rateLimit.maxMsgPerSec",
    "rateLimiter.",
    "retentionPolicy.onExpiryUrl",
    "retentionPolicy.onPurgeUrl",
    "server.autoCreateRooms",
    "server.autoDestroyRooms",
    "server.maxPeersPerRoom",
    "signaling.autoCreateRooms",
    "signaling.autoDestroyRooms",
    "signaling.beforeJoinUrl",
    "signaling.hookSecret",
    "signaling.maxPeersPerRoom",
    "signaling.maxRoomIdBytes",
    "signaling.tls.cert",
    "signaling.tls.key",
    "threatDetector.",
    "tracer.bufferSize",
    "tracer.mode",
    "webhooks.",
};

}  // namespace

bool is_reloadable(std::string_view path) noexcept {
  return std::any_of(reloadable.begin(), reloadable.end(),
                     [&](std::string_view entry) { return entry.ends_with('.') ? path.starts_with(entry) : path == entry; });
}

std::vector<std::string> changed_options(const ConfigView& before, const ConfigView& after) {
  std::vector<std::string> paths;
  for (const Option& option : all_options()) {
    const json* a = value_at(before.all, option.path);
    const json* b = value_at(after.all, option.path);
    if ((a == nullptr ? json() : *a) != (b == nullptr ? json() : *b)) paths.emplace_back(option.path);
  }
  for (const Module& module : all_modules()) {
    if (attached(before.effective, module.key) != attached(after.effective, module.key)) paths.emplace_back(module.key);
  }
  return paths;
}

}  // namespace sluice::config
