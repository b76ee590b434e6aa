#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/observability/facts.hpp"
#include "control/rooms/facts.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Where alerts go (contract section 29).
struct AlertChannel {
  enum class Kind : std::uint8_t { console, webhook, custom };
  Kind kind = Kind::console;
  std::string url;                  // webhook, custom (`handlerUrl`); empty: custom goes to the event feed alone
  std::vector<std::string> events;  // names let through; empty: all
};

struct AlertManagerOptions {
  std::vector<AlertChannel> channels;
  Duration suppression_window = std::chrono::minutes(5);
  std::size_t queue_max = 100;  // alerts remembered, and deliveries under way on one channel
};

struct Alert {
  std::string id;  // "alert-<n>"
  std::string event;
  AlertSeverity severity = AlertSeverity::warning;
  std::string message;
  nlohmann::json context = nlohmann::json::object();
  std::int64_t at_ms = 0;  // Unix
  bool recovered = false;
};
[[nodiscard]] nlohmann::json alert_json(const Alert& alert);
[[nodiscard]] std::string_view to_string(AlertChannel::Kind kind) noexcept;

/// Turns what modules find out (SloBreached, SloRecovered, AlertRaised, MediaQuarantined) into alerts, once per suppression
/// window, and gives them to its channels (contract section 29). Recovery is never suppressed.
class AlertManager {
 public:
  /// What the owner does for it. `done` of a post is called once, with nothing or with what went wrong.
  struct Outside {
    std::function<void(const std::string& url, std::string body, std::function<void(std::optional<std::string> error)> done)>
        post;
    /// `alert`, `alert:suppressed`, `delivery:failed`, for the event feed.
    std::function<void(std::string_view event, const nlohmann::json& data)> emit;
    std::function<TimePoint()> now;
    std::function<std::int64_t(TimePoint)> unix_ms;
  };

  AlertManager(Bus& bus, Outside outside, AlertManagerOptions options);

  /// The alert; nothing when it was suppressed. AlertRaised is what it is made of.
  std::optional<Alert> raise(const AlertRaised& what);
  /// The newest n, newest last.
  [[nodiscard]] std::vector<Alert> recent(std::size_t n = 50) const;
  void clear_suppression() { suppressed_until_.clear(); }
  void set_options(AlertManagerOptions options);

  struct Stats {
    std::uint64_t raised = 0;
    std::uint64_t suppressed = 0;
    std::uint64_t deliveries_failed = 0;
  };
  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

 private:
  void follow(Bus& bus);
  [[nodiscard]] bool suppress(const AlertRaised& what, TimePoint now);
  void deliver(const Alert& alert);
  void failed(AlertChannel::Kind channel, const nlohmann::json& alert, const std::string& error);

  Outside outside_;
  AlertManagerOptions options_;
  std::uint64_t last_number_ = 0;
  std::deque<Alert> recent_;
  std::unordered_map<std::string, TimePoint> suppressed_until_;  // at most keys_max; expired ones go first
  TimePoint next_sweep_ = TimePoint::min();
  std::unordered_map<std::string, std::size_t> under_way_;  // by URL
  Stats stats_;
  std::vector<Bus::Subscription> subscriptions_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late answers find out that this is gone
};

}  // namespace sluice
