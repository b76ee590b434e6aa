#include "control/observability/alert_manager.hpp"

#include <algorithm>
#include <utility>

#include "control/observability/log.hpp"

namespace sluice {

using nlohmann::json;

namespace {

/// Threats name addresses of clients: whoever changes them at will must not fill our memory.
constexpr std::size_t suppression_keys_max = 4096;
constexpr Duration sweep_pause = std::chrono::seconds(1);
constexpr std::size_t key_characters = 64;

/// The first 64 characters, not bytes: a character is never cut.
std::string shortened(const std::string& text) {
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
    if (begins && characters++ == key_characters) break;
  }
  return text.substr(0, end);
}

std::string compact(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(AlertChannel::Kind kind) noexcept {
  switch (kind) {
    case AlertChannel::Kind::console:
      return "console";
    case AlertChannel::Kind::webhook:
      return "webhook";
    case AlertChannel::Kind::custom:
      break;
  }
  return "custom";
}

json alert_json(const Alert& alert) {
  return {{"id", alert.id},
          {"event", alert.event},
          {"severity", to_string(alert.severity)},
          {"message", alert.message},
          {"context", alert.context},
          {"ts", alert.at_ms},
          {"recovered", alert.recovered}};
}

AlertManager::AlertManager(Bus& bus, Outside outside, AlertManagerOptions options)
    : outside_(std::move(outside)), options_(std::move(options)) {
  follow(bus);
}

void AlertManager::set_options(AlertManagerOptions options) {
  options_ = std::move(options);
  while (recent_.size() > options_.queue_max) recent_.pop_front();
}

void AlertManager::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto react) { subscriptions_.push_back(bus.subscribe<Fact>(react)); };
  on.template operator()<SloBreached>([this](const SloBreached& fact) {
    const json context{
        {"slo", fact.slo}, {"actual", fact.actual}, {"target", fact.target}, {"severity", to_string(fact.severity)}};
    raise({"slo:breach", fact.severity,
           "The objective " + fact.slo + " is not met: " + json(fact.actual).dump() + ", target " + json(fact.target).dump(),
           context, fact.slo});
  });
  on.template operator()<SloRecovered>([this](const SloRecovered& fact) {
    const json context{{"slo", fact.slo}, {"actual", fact.actual ? json(*fact.actual) : json()}, {"target", fact.target}};
    raise({"slo:recovery", AlertSeverity::info, "The objective " + fact.slo + " is met again", context, fact.slo, true});
  });
  on.template operator()<AlertRaised>([this](const AlertRaised& fact) { raise(fact); });
  on.template operator()<MediaQuarantined>([this](const MediaQuarantined& fact) {
    raise({"media:quarantined",
           AlertSeverity::critical,
           "Packets of one peer stopped a media worker twice; its media is shut out",
           {{"roomId", fact.room.value}, {"peerId", fact.peer.value}}});
  });
}

bool AlertManager::suppress(const AlertRaised& what, TimePoint now) {
  if (what.recovered) return false;
  const std::string key = what.event + ":" + shortened(what.key ? *what.key : compact(what.context));
  if (const auto found = suppressed_until_.find(key); found != suppressed_until_.end() && now < found->second) return true;
  if (suppressed_until_.size() >= suppression_keys_max && now >= next_sweep_) {
    std::erase_if(suppressed_until_, [&](const auto& entry) { return entry.second <= now; });
    next_sweep_ = now + sweep_pause;  // whoever keeps it full must not make every alert dear
  }
  // Still full: that many different alerts within one window. What cannot be remembered is not suppressed.
  if (suppressed_until_.size() < suppression_keys_max) suppressed_until_[key] = now + options_.suppression_window;
  return false;
}

std::optional<Alert> AlertManager::raise(const AlertRaised& what) {
  const TimePoint now = outside_.now();
  if (suppress(what, now)) {
    ++stats_.suppressed;
    outside_.emit("alert:suppressed", {{"event", what.event}, {"context", what.context}});
    return std::nullopt;
  }
  ++stats_.raised;
  Alert alert{"alert-" + std::to_string(++last_number_),
              what.event,
              what.severity,
              what.message,
              what.context,
              outside_.unix_ms(now),
              what.recovered};
  recent_.push_back(alert);
  while (recent_.size() > options_.queue_max) recent_.pop_front();
  outside_.emit("alert", alert_json(alert));
  deliver(alert);
  return alert;
}

void AlertManager::deliver(const Alert& alert) {
  const json body = alert_json(alert);
  for (const AlertChannel& channel : options_.channels) {
    const bool wanted = channel.events.empty() ||
                        std::find(channel.events.begin(), channel.events.end(), alert.event) != channel.events.end();
    if (!wanted) continue;
    if (channel.kind == AlertChannel::Kind::console) {
      const auto level = alert.severity == AlertSeverity::info      ? log::Level::info
                         : alert.severity == AlertSeverity::warning ? log::Level::warn
                                                                    : log::Level::error;
      log::write(level, "alert",
                 {{"id", alert.id},
                  {"event", alert.event},
                  {"severity", to_string(alert.severity)},
                  {"text", alert.message},
                  {"context", compact(alert.context)}});
      continue;
    }
    if (channel.url.empty()) continue;  // the event feed has it
    std::size_t& under_way = under_way_[channel.url];
    if (under_way >= options_.queue_max) {
      failed(channel.kind, body, "too many deliveries are under way");
      continue;
    }
    ++under_way;
    outside_.post(channel.url, compact(body),
                  [this, alive = std::weak_ptr<bool>(alive_), kind = channel.kind, url = channel.url,
                   body](std::optional<std::string> error) {
                    if (alive.expired()) return;
                    if (const auto count = under_way_.find(url); count != under_way_.end() && --count->second == 0)
                      under_way_.erase(count);
                    if (error) failed(kind, body, *error);
                  });
  }
}

void AlertManager::failed(AlertChannel::Kind channel, const json& alert, const std::string& error) {
  ++stats_.deliveries_failed;
  log::warn("alert not delivered",
            {{"channel", to_string(channel)}, {"alert", alert["id"].get<std::string>()}, {"reason", error}});
  outside_.emit("delivery:failed", {{"channel", to_string(channel)}, {"alert", alert}, {"error", error}});
}

std::vector<Alert> AlertManager::recent(std::size_t n) const {
  const auto begin = recent_.end() - static_cast<std::ptrdiff_t>(std::min(n, recent_.size()));
  return {begin, recent_.end()};
}

}  // namespace sluice
