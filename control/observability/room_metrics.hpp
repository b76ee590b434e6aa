#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/observability/latency_samples.hpp"
#include "control/observability/process_memory.hpp"
#include "control/observability/prometheus_text.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Contract section 26, with the same defaults.
struct RoomMetricsOptions {
  bool attached = true;                                    // without it only AdminAPI's three families are shown
  bool rooms = true;                                       // collectRoomMetrics
  bool system = true;                                      // collectSystemMetrics
  Duration system_interval = std::chrono::seconds(5);      // systemSampleIntervalMs
  std::size_t samples_max = 1000;                          // maxSamplesPerHistogram
  Duration room_retention = std::chrono::minutes(5);       // how long figures outlive their room
  std::size_t gone_rooms_max = 10000;                      // of these at most so many; the oldest go first
  std::vector<std::uint32_t> percentiles{50, 90, 95, 99};  // of the server's join latency (observability.latencyPercentiles)
};

/// Counts what happens in rooms (contract section 26, MetricsCollector) from the facts on the bus. Figures of a room vanish
/// some time after the room.
class RoomMetrics {
 public:
  /// `now` reads the loop's clock: join latency is the one thing here that facts do not carry.
  /// `store_failures` tells how many writes the state log has refused; without it there is nothing that could fail.
  RoomMetrics(
      Bus& bus, const Rooms& rooms, std::function<TimePoint()> now,
      std::function<std::uint64_t()> store_failures = [] { return std::uint64_t{0}; }, RoomMetricsOptions options = {});

  /// What has been counted since this process started.
  struct Totals {
    std::uint64_t connections = 0;
    std::uint64_t rejected = 0;  // join:rejected
    std::uint64_t joins = 0;
    std::uint64_t leaves = 0;
    std::uint64_t reconnects = 0;
    std::uint64_t reconnect_attempts = 0;
    std::uint64_t data_messages = 0;
  };
  [[nodiscard]] const Totals& totals() const noexcept { return totals_; }
  [[nodiscard]] const RoomMetricsOptions& options() const noexcept { return options_; }
  /// The mean of the rooms' p95 that are above 0, of joins at `since` or later; nothing without any.
  [[nodiscard]] std::optional<double> join_latency_p95_ms(TimePoint since = TimePoint::min()) const;
  [[nodiscard]] TimePoint started() const noexcept { return started_; }
  [[nodiscard]] const Rooms& rooms() const noexcept { return rooms_; }

  /// From now on by these options (a reload, or what the configuration says after construction).
  void set_options(RoomMetricsOptions options);

  /// Takes a sample of the process's memory when one is due; forgets rooms that are long gone.
  void handle_timeout(TimePoint now, std::int64_t unix_ms);
  [[nodiscard]] TimePoint next_deadline() const;

  /// `snapshot()` of the contract. `unix_ms` turns the loop's time into Unix milliseconds.
  [[nodiscard]] nlohmann::json snapshot(const std::function<std::int64_t(TimePoint)>& unix_ms) const;
  /// One room's, null if unknown.
  [[nodiscard]] nlohmann::json room_snapshot(const RoomId& room,
                                             const std::function<std::int64_t(TimePoint)>& unix_ms) const;

  /// All families of section 26 (if attached) and 36, and those by client protocol.
  void write(PrometheusText& out) const;

 private:
  struct RoomFigures {
    explicit RoomFigures(std::size_t samples_max) : join_latency_ms(samples_max) {}
    std::size_t peers_peak = 0;
    std::uint64_t joins = 0;
    std::uint64_t leaves = 0;
    std::uint64_t reconnects = 0;
    std::uint64_t reconnect_attempts = 0;
    std::uint64_t data_messages = 0;
    LatencySamples join_latency_ms;
    TimePoint created;
    TimePoint last_activity;
    TimePoint gone = never;  // when the room was destroyed
  };
  struct DialectFigures {
    std::uint64_t connections = 0;
    std::uint64_t joins = 0;
    std::uint64_t messages = 0;
  };

  void follow(Bus& bus);
  void joined(const PeerJoined& fact);
  void take_stock();
  void forget_old_rooms(TimePoint now);
  /// The figures of a room that there is, with its last activity set to now; nullptr for one that there is not.
  RoomFigures* touch(const RoomId& room);
  [[nodiscard]] nlohmann::json describe(const RoomId& room, const RoomFigures& figures,
                                        const std::function<std::int64_t(TimePoint)>& unix_ms) const;
  [[nodiscard]] std::string dialect_of(const PeerId& peer) const;
  void write_server(PrometheusText& out) const;
  void write_rooms(PrometheusText& out) const;
  void write_dialects(PrometheusText& out) const;
  void write_admin(PrometheusText& out) const;
  void write_members(std::string_view family, PrometheusText& out) const;

  const Rooms& rooms_;
  std::function<TimePoint()> now_;
  std::function<std::uint64_t()> store_failures_;
  RoomMetricsOptions options_;
  TimePoint started_;
  TimePoint next_sample_;
  std::optional<std::pair<std::int64_t, ProcessMemory>> system_;  // the last sample and its time
  std::unordered_map<PeerId, TimePoint> connecting_since_;
  std::map<RoomId, RoomFigures> room_figures_;
  std::deque<std::pair<TimePoint, RoomId>> gone_;  // destroyed rooms, oldest first
  std::map<std::string, DialectFigures> dialects_;
  Totals totals_;
  LatencySamples all_joins_ms_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
