#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/observability/prometheus_text.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Counts what happens in rooms (contract section 26, MetricsCollector) from the facts on the bus. Figures of a room vanish
/// five minutes after the room.
class RoomMetrics {
 public:
  /// `now` reads the loop's clock: join latency is the one thing here that facts do not carry.
  /// `store_failures` tells how many writes the state log has refused; without it there is nothing that could fail.
  RoomMetrics(
      Bus& bus, const Rooms& rooms, std::function<TimePoint()> now,
      std::function<std::uint64_t()> store_failures = [] { return std::uint64_t{0}; });

  void write(PrometheusText& out) const;

 private:
  struct RoomFigures {
    std::size_t peers_peak = 0;
    std::deque<double> join_latency_ms;  // the last 1,000 (maxSamplesPerHistogram)
    TimePoint gone = never;              // when the room was destroyed
  };
  void joined(const PeerJoined& fact);
  void forget_old_rooms();
  [[nodiscard]] static double p95(const std::deque<double>& samples);

  const Rooms& rooms_;
  std::function<TimePoint()> now_;
  std::function<std::uint64_t()> store_failures_;
  TimePoint started_;
  std::unordered_map<PeerId, TimePoint> connecting_since_;
  std::map<RoomId, RoomFigures> room_figures_;
  std::uint64_t connections_ = 0;
  std::uint64_t rejected_ = 0;
  std::uint64_t joins_ = 0;
  std::uint64_t leaves_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t reconnect_attempts_ = 0;
  std::uint64_t data_messages_ = 0;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
