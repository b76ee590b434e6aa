#include "control/config/observability_config.hpp"

#include <algorithm>
#include <string_view>

#include "control/config/config_errors.hpp"
#include "control/config/option.hpp"
#include "control/config/read_values.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

bool is_http_url(const std::string& text) {
  const bool scheme = text.starts_with("http://") || text.starts_with("https://");
  const bool clean = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 127; });
  return scheme && clean && text.size() > text.find("//") + 2;
}

/// Reads the fields of one object inside a YAML value; wrong and unknown ones become errors that name their path.
class Fields {
 public:
  Fields(const json& object, std::string path, ConfigErrors& errors)
      : object_(object), path_(std::move(path)), errors_(errors) {
    if (!object_.is_object()) errors_.add("'" + path_ + "' must hold fields by name.");
  }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  /// What nobody asked for is a mistake of the writer.
  ~Fields() {
    if (!object_.is_object()) return;
    for (const auto& [key, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end())
        errors_.add("There is no field '" + path_ + "." + key + "'; known are " + list() + ".");
    }
  }

  const json* find(std::string_view name) {
    known_.emplace_back(name);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  void wrong(std::string_view name, const std::string& must) {
    errors_.add("'" + path_ + "." + std::string(name) + "' must be " + must + ".");
  }
  std::string text(std::string_view name, bool required = false) {
    const json* value = find(name);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    if (value != nullptr || (required && object_.is_object())) wrong(name, "a text");
    return {};
  }
  std::string url(std::string_view name, bool required) {
    const json* value = find(name);
    if (value == nullptr && !required) return {};
    if (value != nullptr && value->is_string() && is_http_url(value->get<std::string>())) return value->get<std::string>();
    if (object_.is_object()) wrong(name, "a URL that begins with http:// or https://");
    return {};
  }
  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> list;
    const json* value = find(name);
    if (value == nullptr) return list;
    for (const json& element : value->is_array() ? *value : json::array({*value})) {
      if (!element.is_string()) {
        wrong(name, "a text or a list of texts");
        return {};
      }
      list.push_back(element.get<std::string>());
    }
    return list;
  }

 private:
  [[nodiscard]] std::string list() const {
    std::string names;
    for (const std::string& name : known_) names += (names.empty() ? "" : ", ") + name;
    return names;
  }
  const json& object_;
  std::string path_;
  ConfigErrors& errors_;
  std::vector<std::string> known_;
};

/// Calls `take(element, path)` for each element of a list at `path`.
template <typename Take>
void each(const json& tree, const std::string& path, ConfigErrors& errors, Take take) {
  const json* value = value_at(tree, path);
  if (value == nullptr || value->is_null()) return;
  if (!value->is_array()) return errors.add("'" + path + "' must be a list.");
  for (std::size_t i = 0; i < value->size(); ++i) take((*value)[i], path + "[" + std::to_string(i) + "]");
}

MetricsConfig read_metrics(const json& tree) {
  MetricsConfig config;
  // The module's own key wins over the tree `observability`.
  const json* tree_says = value_at(tree, "observability.metrics");
  const bool by_own_key = tree.contains("metricsCollector") || tree.contains("metricsCollectorEnabled");
  config.attached = by_own_key || tree_says == nullptr ? attached(tree, "metricsCollector") : tree_says->get<bool>();
  read(tree, "metricsCollector.collectRoomMetrics", config.rooms);
  read(tree, "metricsCollector.collectSystemMetrics", config.system);
  read(tree, "metricsCollector.systemSampleIntervalMs", config.system_interval);
  read(tree, {"metricsCollector.maxSamplesPerHistogram", "observability.maxDataPoints"}, config.samples_max);
  read(tree, "metricsCollector.roomRetentionMs", config.room_retention);
  read(tree, "observability.latencyPercentiles", config.percentiles);
  std::sort(config.percentiles.begin(), config.percentiles.end());
  config.percentiles.erase(std::unique(config.percentiles.begin(), config.percentiles.end()), config.percentiles.end());
  read(tree, "observability.metricsFlushInterval", config.flush_interval);
  return config;
}

HealthConfig read_health(const json& tree, ConfigErrors& errors) {
  HealthConfig config;
  read(tree, "healthMonitor.checkIntervalMs", config.check_interval);
  read(tree, "healthMonitor.windowMs", config.window);
  read(tree, "healthMonitor.serviceName", config.service_name);
  each(tree, "healthMonitor.slos", errors, [&](const json& element, const std::string& path) {
    HealthConfig::Objective objective;
    Fields fields(element, path, errors);
    objective.name = fields.text("name", true);
    if (const json* target = fields.find("target"); target != nullptr && target->is_number()) {
      objective.target = target->get<double>();
    } else if (element.is_object()) {
      fields.wrong("target", "a number");
    }
    if (const json* op = fields.find("op"); op != nullptr) {
      if (*op != ">=" && *op != "<=") fields.wrong("op", "\">=\" or \"<=\"");
      objective.at_least = *op != "<=";
    }
    if (const json* severity = fields.find("severity"); severity != nullptr) {
      if (*severity == "info" || *severity == "warning" || *severity == "critical") {
        objective.severity = severity->get<std::string>();
      } else {
        fields.wrong("severity", "info, warning or critical");
      }
    }
    config.slos.push_back(std::move(objective));
  });
  return config;
}

TracerConfig read_tracer(const json& tree, ConfigErrors& errors) {
  TracerConfig config;
  read(tree, "tracer.mode", config.mode);
  read(tree, "tracer.bufferSize", config.buffer_size);
  read(tree, "tracer.serviceName", config.service_name);
  read(tree, "tracer.exporterUrl", config.exporter_url);
  read(tree, "tracer.otlpUrl", config.otlp_url);
  for (const auto& [path, url] :
       {std::pair("tracer.exporterUrl", &config.exporter_url), std::pair("tracer.otlpUrl", &config.otlp_url)}) {
    if (!url->empty() && !is_http_url(*url))
      errors.add("'" + std::string(path) + "' must be a URL that begins with http:// or https://.");
  }
  if (const json* headers = value_at(tree, "tracer.otlpHeaders"); headers != nullptr && !headers->is_null()) {
    if (!headers->is_object()) errors.add("'tracer.otlpHeaders' must hold texts by name.");
    const json& object = headers->is_object() ? *headers : json::object();
    for (const auto& [name, value] : object.items()) {
      const bool fine = value.is_string() && value.get<std::string>().find_first_of("\r\n") == std::string::npos &&
                        !name.empty() && name.find_first_of(": \t\r\n") == std::string::npos;
      if (fine) {
        config.otlp_headers.emplace_back(name, value.get<std::string>());
      } else {
        errors.add("'tracer.otlpHeaders." + name + "' must be a text on one line.");
      }
    }
  }
  return config;
}

AlertsConfig read_alerts(const json& tree, ConfigErrors& errors) {
  AlertsConfig config;
  read(tree, "alertManager.suppressionWindowMs", config.suppression_window);
  read(tree, "alertManager.maxQueueSize", config.queue_max);
  each(tree, "alertManager.channels", errors, [&](const json& element, const std::string& path) {
    AlertsConfig::Channel channel;
    if (element.is_string()) {
      channel.type = element.get<std::string>();
      if (channel.type != "console" && channel.type != "custom")
        errors.add("'" + path + "' must be console, custom, or an object with a type.");
      config.channels.push_back(std::move(channel));
      return;
    }
    Fields fields(element, path, errors);
    channel.type = fields.text("type", true);
    // The reference's code calls it "handler", its documentation "custom".
    if (channel.type == "handler") channel.type = "custom";
    const bool known = channel.type == "console" || channel.type == "webhook" || channel.type == "custom";
    if (!channel.type.empty() && !known) fields.wrong("type", "console, webhook or custom");
    const std::string url = fields.url("url", channel.type == "webhook");
    const std::string handler = fields.url("handlerUrl", false);
    channel.url = channel.type == "custom" && !handler.empty() ? handler : url;
    channel.events = fields.texts("events");
    config.channels.push_back(std::move(channel));
  });
  return config;
}

WebhooksConfig read_webhooks(const json& tree, ConfigErrors& errors) {
  WebhooksConfig config;
  std::string secret;
  read(tree, "webhooks.secret", secret);
  read(tree, "webhooks.events", config.events);
  read(tree, "webhooks.timeoutMs", config.timeout);
  read(tree, "webhooks.dlq.maxSize", config.dead_letters_max);
  each(tree, "webhooks.endpoints", errors, [&](const json& element, const std::string& path) {
    WebhooksConfig::Endpoint endpoint;
    const json object = element.is_string() ? json{{"url", element}} : element;
    Fields fields(object, path, errors);
    endpoint.url = fields.url("url", true);
    endpoint.secret = fields.text("secret");
    if (endpoint.secret.empty()) endpoint.secret = secret;
    endpoint.events = fields.texts("events");
    config.endpoints.push_back(std::move(endpoint));
  });
  if (config.endpoints.empty() && errors.sentences().empty()) errors.add("'webhooks.endpoints' must name at least one URL.");
  return config;
}

AdaptiveBitrateConfig read_adaptive_bitrate(const json& tree) {
  AdaptiveBitrateConfig config;
  read(tree, "adaptiveBitrate.upgradeHoldMs", config.upgrade_hold);
  read(tree, "adaptiveBitrate.decayIntervalMs", config.decay_interval);
  read(tree, "adaptiveBitrate.mobileFirst", config.mobile_first);
  read(tree, "adaptiveBitrate.protectActiveSpeaker", config.protect_active_speaker);
  read(tree, "adaptiveBitrate.protectScreenShare", config.protect_screen_share);
  return config;
}

}  // namespace

ObservabilityConfig read_observability(const json& tree) {
  ObservabilityConfig config;
  ConfigErrors errors;
  config.metrics = read_metrics(tree);
  if (attached(tree, "healthMonitor")) config.health = read_health(tree, errors);
  bool tracing = false;
  read(tree, "observability.tracing", tracing);
  const bool tracer_off = tree.contains("tracerEnabled") && !attached(tree, "tracer");
  if (attached(tree, "tracer") || (tracing && !tracer_off)) config.tracer = read_tracer(tree, errors);
  if (attached(tree, "alertManager")) config.alerts = read_alerts(tree, errors);
  if (attached(tree, "webhooks")) {
    ConfigErrors own;
    config.webhooks = read_webhooks(tree, own);
    for (const std::string& sentence : own.sentences()) errors.add(sentence);
  }
  if (attached(tree, "adaptiveBitrate")) config.adaptive_bitrate = read_adaptive_bitrate(tree);
  if (const json* features = value_at(tree, "features"); features != nullptr && features->is_object()) {
    for (const auto& [name, value] : features->items()) {
      if (value.is_boolean()) config.features.emplace_back(name, value.get<bool>());
    }
  }
  errors.throw_if_any();
  return config;
}

}  // namespace sluice::config
