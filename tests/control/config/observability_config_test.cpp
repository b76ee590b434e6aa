#include "control/config/observability_config.hpp"

#include <gtest/gtest.h>

#include "control/config/config_errors.hpp"
#include "control/config/server_config.hpp"

namespace sluice::config {
namespace {

using nlohmann::json;

ObservabilityConfig of(const std::string& yaml) {
  std::vector<std::string> warnings;
  return read_observability(read_document(yaml, "test.yaml", warnings));
}

std::vector<std::string> mistakes(const std::string& yaml) {
  try {
    std::vector<std::string> warnings;
    (void)resolve(read_document(yaml, "test.yaml", warnings), 2);
  } catch (const ConfigError& error) {
    return error.sentences();
  }
  return {};
}

TEST(ObservabilityConfig, OnlyMetricsAreAttachedWithoutConfiguration) {
  const ObservabilityConfig config = of("{}");
  EXPECT_TRUE(config.metrics.attached);
  EXPECT_FALSE(config.health || config.tracer || config.alerts || config.webhooks || config.adaptive_bitrate);
}

TEST(ObservabilityConfig, AKeyThatIsPresentAttachesItsModule) {
  const ObservabilityConfig config = of("{healthMonitor: {}, tracer: {}, alertManager: {}, adaptiveBitrate: {}}");
  EXPECT_TRUE(config.health && config.tracer && config.alerts && config.adaptive_bitrate);
  EXPECT_EQ(config.health->check_interval.count(), 15000);
  EXPECT_EQ(config.tracer->buffer_size, 1000U);
  EXPECT_EQ(config.alerts->suppression_window.count(), 300000);
  EXPECT_EQ(config.adaptive_bitrate->upgrade_hold.count(), 5000);
  EXPECT_FALSE(of("metricsCollector: false").metrics.attached);
}

TEST(ObservabilityConfig, TheTreesFeaturesAndObservabilityAttachToo) {
  EXPECT_TRUE(of("features: {adaptiveBitrate: true}").adaptive_bitrate);
  EXPECT_FALSE(of("{features: {adaptiveBitrate: true}, adaptiveBitrate: false}").adaptive_bitrate);
  EXPECT_TRUE(of("observability: {tracing: true}").tracer);
  EXPECT_FALSE(of("{observability: {tracing: true}, tracer: false}").tracer);
  EXPECT_FALSE(of("observability: {metrics: false}").metrics.attached);
  EXPECT_TRUE(of("{observability: {metrics: false}, metricsCollector: {}}").metrics.attached);
}

TEST(ObservabilityConfig, AModulesOwnOptionWinsOverTheTree) {
  EXPECT_EQ(of("observability: {maxDataPoints: 77}").metrics.samples_max, 77U);
  EXPECT_EQ(of("{observability: {maxDataPoints: 77}, metricsCollector: {maxSamplesPerHistogram: 5}}").metrics.samples_max,
            5U);
  EXPECT_EQ(of("observability: {latencyPercentiles: [50, 99]}").metrics.percentiles, (std::vector<std::uint32_t>{50, 99}));
}

TEST(ObservabilityConfig, WebhooksTakeUrlsAndObjects) {
  const auto config = of(R"(
webhooks:
  secret: all
  events: [peer.joined]
  dlq: {maxSize: 3}
  endpoints: ["http://127.0.0.1:9/a", {url: "https://b.example/", secret: own, events: room.created}]
)");
  ASSERT_EQ(config.webhooks->endpoints.size(), 2U);
  EXPECT_EQ(config.webhooks->endpoints[0].secret, "all");
  EXPECT_EQ(config.webhooks->endpoints[1].secret, "own");
  EXPECT_EQ(config.webhooks->endpoints[1].events, (std::vector<std::string>{"room.created"}));
  EXPECT_EQ(config.webhooks->dead_letters_max, 3U);
}

TEST(ObservabilityConfig, AlertsTakeEveryKindOfChannel) {
  const auto config = of(R"(
alertManager:
  channels:
    - console
    - {type: webhook, url: "http://a/", events: ["slo:breach"]}
    - {type: custom, handlerUrl: "http://b/"}
    - {type: handler}
)");
  ASSERT_EQ(config.alerts->channels.size(), 4U);
  EXPECT_EQ(config.alerts->channels[1].events.front(), "slo:breach");
  EXPECT_EQ(config.alerts->channels[2].url, "http://b/");
  EXPECT_EQ(config.alerts->channels[3].type, "custom");
}

TEST(ObservabilityConfig, CustomObjectives) {
  const auto config = of(R"(healthMonitor: {slos: [{name: peers, target: 5, op: "<=", severity: critical}]})");
  ASSERT_EQ(config.health->slos.size(), 1U);
  EXPECT_FALSE(config.health->slos[0].at_least);
  EXPECT_EQ(config.health->slos[0].severity, "critical");
}

TEST(Configuration, AllMistakesAreReportedAtOnceByTheirPaths) {
  const std::vector<std::string> found = mistakes(R"(
signaling: {port: 70000, prot: 1}
nonsense: 1
adaptiveBitrate: {upgradeHoldMs: soon, mobileFirst: 3}
)");
  ASSERT_EQ(found.size(), 5U);
  const std::string all = ConfigError(found).what();
  EXPECT_NE(all.find("5 mistakes"), std::string::npos);
  for (const char* path :
       {"signaling.port", "signaling.prot", "nonsense", "adaptiveBitrate.upgradeHoldMs", "adaptiveBitrate.mobileFirst"})
    EXPECT_NE(all.find(path), std::string::npos) << path << "\n" << all;
}

TEST(Configuration, MistakesInsideListsNameTheirElement) {
  const std::vector<std::string> found = mistakes(R"(
webhooks: {endpoints: [{url: "ftp://x"}, {secret: s}, 7]}
alertManager: {channels: [{type: pigeon}, {type: webhook}, {type: console, colour: red}]}
healthMonitor: {slos: [{name: a, target: 1, op: "=="}, {target: x, severity: bad}]}
tracer: {otlpUrl: nowhere, otlpHeaders: {"a b": c, d: 5}}
adminApi: {host: 0.0.0.0}
)");
  const std::string all = ConfigError(found).what();
  for (const char* path :
       {"webhooks.endpoints[0].url", "webhooks.endpoints[1].url", "webhooks.endpoints[2]", "alertManager.channels[0].type",
        "alertManager.channels[1].url", "alertManager.channels[2].colour", "healthMonitor.slos[0].op",
        "healthMonitor.slos[1].name", "healthMonitor.slos[1].target", "healthMonitor.slos[1].severity", "tracer.otlpUrl",
        "tracer.otlpHeaders.a b", "tracer.otlpHeaders.d", "adminApi.host"})
    EXPECT_NE(all.find(path), std::string::npos) << path << "\n" << all;
}

TEST(Configuration, TheReferencesEnvironmentNamesReachTheirPaths) {
  const std::map<std::string, std::string> variables{{"WEBRTC_ROOMS_PORT", "3456"},
                                                     {"WEBRTC_ROOMS_MAX_PEERS", "7"},
                                                     {"WEBRTC_ROOMS_METRICS", "false"},
                                                     {"WEBRTC_ROOMS_TRACING", "true"},
                                                     {"WEBRTC_ROOMS_RECONNECT_TTL", "1234"}};
  const auto environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  const ServerConfig config = resolve(merge_sources(std::nullopt, environment, {}).tree, 2);
  EXPECT_EQ(config.signaling.port, 3456);
  EXPECT_EQ(config.signaling.max_peers_per_room, 7U);
  EXPECT_EQ(config.signaling.reconnect_ttl.count(), 1234);
  EXPECT_FALSE(config.observability.metrics.attached);
  EXPECT_TRUE(config.observability.tracer);
}

}  // namespace
}  // namespace sluice::config
