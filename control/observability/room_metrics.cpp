#include "control/observability/room_metrics.hpp"

#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

namespace sluice {

namespace {

constexpr std::size_t latency_samples_max = 1000;
constexpr Duration figures_outlive_room = std::chrono::minutes(5);

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace

RoomMetrics::RoomMetrics(Bus& bus, const Rooms& rooms, std::function<TimePoint()> now,
                         std::function<std::uint64_t()> store_failures)
    : rooms_(rooms), now_(std::move(now)), store_failures_(std::move(store_failures)), started_(now_()) {
  subscriptions_.push_back(bus.subscribe<PeerConnected>([this](const PeerConnected& fact) {
    ++connections_;
    connecting_since_[fact.peer] = now_();
  }));
  subscriptions_.push_back(
      bus.subscribe<PeerClosed>([this](const PeerClosed& fact) { connecting_since_.erase(fact.peer); }));
  subscriptions_.push_back(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) { joined(fact); }));
  subscriptions_.push_back(bus.subscribe<PeerLeft>([this](const PeerLeft&) { ++leaves_; }));
  subscriptions_.push_back(bus.subscribe<PeerReconnected>([this](const PeerReconnected&) { ++reconnects_; }));
  subscriptions_.push_back(bus.subscribe<ResumeAttempted>([this](const ResumeAttempted&) { ++reconnect_attempts_; }));
  subscriptions_.push_back(bus.subscribe<JoinRejected>([this](const JoinRejected&) { ++rejected_; }));
  subscriptions_.push_back(bus.subscribe<DataRelayed>([this](const DataRelayed&) { ++data_messages_; }));
  subscriptions_.push_back(bus.subscribe<RoomDestroyed>([this](const RoomDestroyed& fact) {
    const auto found = room_figures_.find(fact.room);
    if (found != room_figures_.end()) found->second.gone = now_();
    forget_old_rooms();
  }));
}

void RoomMetrics::joined(const PeerJoined& fact) {
  ++joins_;
  RoomFigures& figures = room_figures_[fact.room];
  figures.gone = never;
  if (const Room* room = rooms_.find_room(fact.room))
    figures.peers_peak = std::max(figures.peers_peak, room->members().size());
  if (const auto since = connecting_since_.find(fact.peer.id); since != connecting_since_.end()) {
    figures.join_latency_ms.push_back(std::chrono::duration<double, std::milli>(now_() - since->second).count());
    if (figures.join_latency_ms.size() > latency_samples_max) figures.join_latency_ms.pop_front();
    connecting_since_.erase(since);
  }
}

void RoomMetrics::forget_old_rooms() {
  std::erase_if(room_figures_, [&](const auto& entry) {
    return entry.second.gone != never && now_() - entry.second.gone > figures_outlive_room;
  });
}

double RoomMetrics::p95(const std::deque<double>& samples) {
  if (samples.empty()) return 0;
  std::vector<double> sorted(samples.begin(), samples.end());
  const auto at = static_cast<std::size_t>(std::floor(static_cast<double>(sorted.size()) * 0.95));
  const std::size_t index = std::min(at, sorted.size() - 1);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(index), sorted.end());
  return sorted[index];
}

void RoomMetrics::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const auto count = [](auto value) { return static_cast<double>(value); };
  const double rate = reconnect_attempts_ == 0 ? 1.0 : std::min(1.0, count(reconnects_) / count(reconnect_attempts_));
  const double memory = resident_bytes();
  out.single("webrtc_rooms_rooms_active", gauge, "Rooms that exist now.", count(rooms_.rooms().size()));
  out.single("webrtc_rooms_peers_active", gauge, "Peers connected or held now.", count(rooms_.peers().size()));
  out.single("webrtc_rooms_uptime_seconds", gauge, "Seconds since this control process started.",
             std::chrono::duration<double>(now_() - started_).count());
  out.single("webrtc_rooms_connections_total", counter, "Connections accepted.", count(connections_));
  out.single("webrtc_rooms_connections_rejected_total", counter, "Joins refused by a token or an admission step.",
             count(rejected_));
  out.single("webrtc_rooms_joins_total", counter, "Peers admitted to rooms.", count(joins_));
  out.single("webrtc_rooms_leaves_total", counter, "Peers that left their room.", count(leaves_));
  out.single("webrtc_rooms_reconnects_total", counter, "Peers resumed by token.", count(reconnects_));
  out.single("webrtc_rooms_data_messages_total", counter, "Application messages relayed.", count(data_messages_));
  out.single("webrtc_rooms_reconnect_success_rate", gauge, "Resumed peers over attempts; 1 without attempts.", rate);
  // The reference reports its JavaScript heap; here the process's memory stands in all three, so that dashboards go on
  // working.
  out.single("webrtc_rooms_heap_used_bytes", gauge, "Resident memory of the control process.", memory);
  out.single("webrtc_rooms_heap_total_bytes", gauge, "Resident memory of the control process.", memory);
  out.single("webrtc_rooms_rss_bytes", gauge, "Resident memory of the control process.", memory);
  out.single("sluice_state_log_failures_total", counter,
             "Writes of state that must survive a restart of control which the full state log refused.",
             count(store_failures_()));
  out.family("webrtc_rooms_room_peers_current", gauge, "Members of a room, held ones included.");
  for (const auto& [id, room] : rooms_.rooms())
    out.sample(count(room->members().size()), prometheus_label("room", id.view()));
  out.family("webrtc_rooms_room_peers_peak", gauge, "Most members that a room had at once.");
  for (const auto& [id, figures] : room_figures_) out.sample(count(figures.peers_peak), prometheus_label("room", id.view()));
  out.family("webrtc_rooms_room_join_latency_p95_ms", gauge, "95th percentile of the time from connection to admission.");
  for (const auto& [id, figures] : room_figures_)
    out.sample(p95(figures.join_latency_ms), prometheus_label("room", id.view()));
  // AdminAPI's own three (contract section 36).
  out.single("webrtc_rooms_active", gauge, "Rooms that exist now.", count(rooms_.rooms().size()));
  out.single("webrtc_peers_total", gauge, "Peers connected or held now.", count(rooms_.peers().size()));
  out.family("webrtc_room_peers", gauge, "Members of a room, held ones included.");
  for (const auto& [id, room] : rooms_.rooms())
    out.sample(count(room->members().size()), prometheus_label("room", id.view()));
}

}  // namespace sluice
