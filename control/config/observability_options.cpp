// Metrics, health, traces, alerts, webhooks, adaptive bitrate, feature switches.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::int64_t day_ms = 86400000;

// Names and defaults of contract sections 17, 26 to 29, 35 and 38; ranges where it says none: what makes sense to run.
constexpr std::array options{
    Option{"adaptiveBitrate.decayIntervalMs", integer, "2000", "ms between two steps of a silent consumer's recovery", 100,
           day_ms},
    Option{"adaptiveBitrate.mobileFirst", boolean, "true", "phones begin with the middle layer, desktops with the highest"},
    Option{"adaptiveBitrate.protectActiveSpeaker", boolean, "true", "active speakers never go to the lowest layer"},
    Option{"adaptiveBitrate.protectScreenShare", boolean, "true", "screen shares never go to the lowest layer"},
    Option{"adaptiveBitrate.upgradeHoldMs", integer, "5000", "ms that a better layer waits", 0, day_ms},
    Option{"alertManager.channels", OptionType::json, "[]",
           "list of {type: console, webhook or custom, url or handlerUrl, events: [...]}"},
    Option{"alertManager.maxQueueSize", integer, "100", "alerts remembered, and deliveries under way to one URL", 1, 100000},
    Option{"alertManager.suppressionWindowMs", integer, "300000", "ms in which the same alert is not raised again", 0,
           day_ms},
    Option{"features.adaptiveBitrate", boolean, "false", "attach adaptiveBitrate"},
    Option{"features.consentFlow", boolean, "false", "attach consentFlow"},
    Option{"features.e2eKeyExchange", boolean, "false", "attach e2eKeyExchange"},
    Option{"features.moderationBus", boolean, "false",
           "as moderationBus, which is on unless it is turned off by its own key"},
    Option{"features.multiRegionSfu", boolean, "false", "accepted without effect: this version has one region"},
    Option{"features.qosDashboard", boolean, "false", "accepted: the dashboard at the admin port is always there"},
    Option{"healthMonitor.checkIntervalMs", integer, "15000", "ms between two checks", 1000, day_ms},
    Option{"healthMonitor.serviceName", text, "webrtc-rooms", "name of this server in reports"},
    Option{"healthMonitor.slos", OptionType::json, "[]",
           "list of {name, target, op: \">=\" or \"<=\", severity}; one of a standard objective's name replaces it"},
    Option{"healthMonitor.windowMs", integer, "900000", "what happened longer ago than this many ms does not count", 1000,
           day_ms},
    Option{"metricsCollector.collectRoomMetrics", boolean, "true", "figures of each room"},
    Option{"metricsCollector.collectSystemMetrics", boolean, "true", "figures of the process's memory"},
    Option{"metricsCollector.maxSamplesPerHistogram", integer, "1000", "join latencies kept of each room", 1, 100000},
    Option{"metricsCollector.roomRetentionMs", integer, "300000", "ms for which figures outlive their room", 0, day_ms},
    Option{"metricsCollector.systemSampleIntervalMs", integer, "5000", "ms between two samples of memory", 100, day_ms},
    Option{"observability.latencyPercentiles", integer_list, "[50, 90, 95, 99]",
           "percentiles of the server's join latency in /metrics", 1, 100},
    Option{"observability.maxDataPoints", integer, "1000", "as metricsCollector.maxSamplesPerHistogram, which wins", 10,
           100000},
    Option{"observability.metrics", boolean, "true", "attach metricsCollector"},
    Option{"observability.metricsFlushInterval", integer, "10000",
           "ms between two 'metrics' events for clients of the control socket", 1000, day_ms},
    Option{"observability.tracing", boolean, "false", "attach tracer"},
    Option{"tracer.bufferSize", integer, "1000", "finished spans kept for questions", 0, 100000},
    Option{"tracer.exporterUrl", text, "", "where finished spans are posted as {\"spans\": [...]}"},
    Option{"tracer.mode", text, "buffer", "what is done with spans", 0, 0, "buffer|console|noop"},
    Option{"tracer.otlpHeaders", OptionType::json, "{}", "headers of each OTLP request, by name"},
    Option{"tracer.otlpUrl", text, "", "OTLP/HTTP endpoint for traces, such as http://127.0.0.1:4318/v1/traces"},
    Option{"tracer.serviceName", text, "webrtc-rooms", "name of this server in spans"},
    Option{"webhooks.dlq.maxSize", integer, "500", "undeliverable events kept", 0, 100000},
    Option{"webhooks.dlq.redis", text, "", "accepted without effect: dead letters lie in the server's own store"},
    Option{"webhooks.dlq.redisKey", text, "webrtc-rooms:dlq", "accepted without effect, as webhooks.dlq.redis"},
    Option{"webhooks.endpoints", OptionType::json, "[]", "list of URLs or of {url, secret, events: [...]}"},
    Option{"webhooks.events", text_list, "", "types that are sent; empty = all"},
    Option{"webhooks.secret", text, "", "key of the signatures, unless an endpoint has its own"},
    Option{"webhooks.timeoutMs", integer, "5000", "ms for one attempt", 100, 60000},
};

}  // namespace

std::span<const Option> observability_options() noexcept {
  return options;
}

}  // namespace sluice::config
