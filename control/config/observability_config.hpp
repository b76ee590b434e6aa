#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::config {

/// Contract section 26.
struct MetricsConfig {
  bool attached = true;
  bool rooms = true;
  bool system = true;
  std::chrono::milliseconds system_interval{5000};
  std::size_t samples_max = 1000;
  std::chrono::milliseconds room_retention{300000};
  std::vector<std::uint32_t> percentiles{50, 90, 95, 99};
  std::chrono::milliseconds flush_interval{10000};
};

/// Contract section 27.
struct HealthConfig {
  struct Objective {
    std::string name;
    double target = 0;
    bool at_least = true;  // op ">="
    std::string severity = "warning";
  };
  std::vector<Objective> slos;
  std::chrono::milliseconds check_interval{15000};
  std::chrono::milliseconds window{900000};
  std::string service_name = "webrtc-rooms";
};

/// Contract section 28.
struct TracerConfig {
  std::string mode = "buffer";
  std::size_t buffer_size = 1000;
  std::string service_name = "webrtc-rooms";
  std::string exporter_url;
  std::string otlp_url;
  std::vector<std::pair<std::string, std::string>> otlp_headers;
};

/// Contract section 29.
struct AlertsConfig {
  struct Channel {
    std::string type;  // console, webhook, custom
    std::string url;   // of custom: may be empty
    std::vector<std::string> events;
  };
  std::vector<Channel> channels;
  std::chrono::milliseconds suppression_window{300000};
  std::size_t queue_max = 100;
};

/// Contract section 35.
struct WebhooksConfig {
  struct Endpoint {
    std::string url;
    std::string secret;
    std::vector<std::string> events;
  };
  std::vector<Endpoint> endpoints;
  std::vector<std::string> events;
  std::chrono::milliseconds timeout{5000};
  std::size_t dead_letters_max = 500;
};

/// Contract section 17.
struct AdaptiveBitrateConfig {
  std::chrono::milliseconds upgrade_hold{5000};
  std::chrono::milliseconds decay_interval{2000};
  bool mobile_first = true;
  bool protect_active_speaker = true;
  bool protect_screen_share = true;
};

/// Metrics, health, traces, alerts, webhooks, adaptive bitrate. A module's part is there when its key attaches it (contract
/// section 38).
struct ObservabilityConfig {
  MetricsConfig metrics;
  std::optional<HealthConfig> health;
  std::optional<TracerConfig> tracer;
  std::optional<AlertsConfig> alerts;
  std::optional<WebhooksConfig> webhooks;
  std::optional<AdaptiveBitrateConfig> adaptive_bitrate;
  std::vector<std::pair<std::string, bool>> features;  // global flags that were set
};

/// From what was set explicitly. Throws ConfigError.
[[nodiscard]] ObservabilityConfig read_observability(const nlohmann::json& tree);

}  // namespace sluice::config
