#include "control/observability/room_metrics.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace sluice {

using nlohmann::json;

namespace {

double rate_of(std::uint64_t successes, std::uint64_t attempts) {
  if (attempts == 0) return 1.0;
  return std::min(1.0, static_cast<double>(successes) / static_cast<double>(attempts));
}

constexpr std::string_view admin_sender = "__admin__";

}  // namespace

RoomMetrics::RoomMetrics(Bus& bus, const Rooms& rooms, std::function<TimePoint()> now,
                         std::function<std::uint64_t()> store_failures, RoomMetricsOptions options)
    : rooms_(rooms),
      now_(std::move(now)),
      store_failures_(std::move(store_failures)),
      options_(std::move(options)),
      started_(now_()),
      next_sample_(started_),
      all_joins_ms_(options_.samples_max) {
  follow(bus);
}

void RoomMetrics::set_options(RoomMetricsOptions options) {
  options_ = std::move(options);
  next_sample_ = std::min(next_sample_, now_() + options_.system_interval);
}

void RoomMetrics::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto count) { subscriptions_.push_back(bus.subscribe<Fact>(count)); };
  on.template operator()<PeerConnected>([this](const PeerConnected& fact) {
    ++totals_.connections;
    ++dialects_[fact.dialect].connections;
    connecting_since_[fact.peer] = now_();
  });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) { connecting_since_.erase(fact.peer); });
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) { joined(fact); });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    ++totals_.leaves;
    if (RoomFigures* figures = touch(fact.room)) ++figures->leaves;
  });
  on.template operator()<PeerReconnected>([this](const PeerReconnected& fact) {
    ++totals_.reconnects;
    if (RoomFigures* figures = touch(fact.room)) ++figures->reconnects;
  });
  on.template operator()<ResumeAttempted>([this](const ResumeAttempted& fact) {
    ++totals_.reconnect_attempts;
    if (!fact.room) return;
    if (RoomFigures* figures = touch(*fact.room)) ++figures->reconnect_attempts;
  });
  on.template operator()<JoinRejected>([this](const JoinRejected&) { ++totals_.rejected; });
  const auto message = [this](const RoomId& room, const std::string& from) {
    if (from == admin_sender) return;  // the operator's own words are no request
    ++totals_.data_messages;
    ++dialects_[dialect_of(PeerId(from))].messages;
    if (RoomFigures* figures = touch(room)) ++figures->data_messages;
  };
  on.template operator()<DataRelayed>([message](const DataRelayed& fact) { message(fact.room, fact.from); });
  on.template operator()<ControlPayloadTaken>(
      [message](const ControlPayloadTaken& fact) { message(fact.room, fact.peer.value); });
  on.template operator()<RoomCreated>([this](const RoomCreated& fact) {
    auto [entry, is_new] = room_figures_.try_emplace(fact.room, options_.samples_max);
    // A room of the same name, come back while the figures of the last one were kept, goes on with them.
    entry->second.gone = never;
    entry->second.last_activity = now_();
    if (is_new) entry->second.created = now_();
  });
  on.template operator()<RoomDestroyed>([this](const RoomDestroyed& fact) {
    const auto found = room_figures_.find(fact.room);
    if (found == room_figures_.end()) return;
    found->second.gone = now_();
    gone_.emplace_back(found->second.gone, fact.room);
    forget_old_rooms(found->second.gone);
  });
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) { take_stock(); });
}

/// After a restart of the process: rooms go on, their counts begin anew.
void RoomMetrics::take_stock() {
  for (const auto& [id, room] : rooms_.rooms()) {
    RoomFigures& figures = room_figures_.try_emplace(id, options_.samples_max).first->second;
    figures.peers_peak = std::max(figures.peers_peak, room->members().size());
    figures.created = figures.last_activity = now_();
  }
}

RoomMetrics::RoomFigures* RoomMetrics::touch(const RoomId& room) {
  const auto found = room_figures_.find(room);
  if (found == room_figures_.end()) return nullptr;
  found->second.last_activity = now_();
  return &found->second;
}

std::string RoomMetrics::dialect_of(const PeerId& peer) const {
  const Peer* found = rooms_.find_peer(peer);
  return found == nullptr ? "unknown" : found->dialect();
}

void RoomMetrics::joined(const PeerJoined& fact) {
  ++totals_.joins;
  ++dialects_[dialect_of(fact.peer.id)].joins;
  RoomFigures& figures = room_figures_.try_emplace(fact.room, options_.samples_max).first->second;
  figures.last_activity = now_();
  ++figures.joins;
  if (const Room* room = rooms_.find_room(fact.room))
    figures.peers_peak = std::max(figures.peers_peak, room->members().size());
  if (const auto since = connecting_since_.find(fact.peer.id); since != connecting_since_.end()) {
    const double waited_ms = std::chrono::duration<double, std::milli>(now_() - since->second).count();
    figures.join_latency_ms.add(now_(), waited_ms);
    all_joins_ms_.add(now_(), waited_ms);
    connecting_since_.erase(since);
  }
}

void RoomMetrics::forget_old_rooms(TimePoint now) {
  while (!gone_.empty() &&
         (now - gone_.front().first >= options_.room_retention || gone_.size() > options_.gone_rooms_max)) {
    const auto found = room_figures_.find(gone_.front().second);
    // Not one that came back meanwhile, nor one that has gone a second time: that stands further back in the queue.
    if (found != room_figures_.end() && found->second.gone == gone_.front().first) room_figures_.erase(found);
    gone_.pop_front();
  }
}

void RoomMetrics::handle_timeout(TimePoint now, std::int64_t unix_ms) {
  forget_old_rooms(now);
  if (!options_.attached || !options_.system || now < next_sample_) return;
  system_.emplace(unix_ms, read_process_memory());
  next_sample_ = now + options_.system_interval;
}

TimePoint RoomMetrics::next_deadline() const {
  const TimePoint forget = gone_.empty() ? never : gone_.front().first + options_.room_retention;
  return std::min(forget, options_.attached && options_.system ? next_sample_ : never);
}

std::optional<double> RoomMetrics::join_latency_p95_ms(TimePoint since) const {
  double sum = 0;
  std::size_t count = 0;
  for (const auto& [id, figures] : room_figures_) {
    const double p95 = figures.join_latency_ms.percentile(0.95, since);
    if (p95 <= 0) continue;
    sum += p95;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

// --- what is shown
// ---------------------------------------------------------------------------------------------------------------

json RoomMetrics::describe(const RoomId& id, const RoomFigures& figures,
                           const std::function<std::int64_t(TimePoint)>& unix_ms) const {
  const Room* room = rooms_.find_room(id);
  const LatencySamples::Summary latency = figures.join_latency_ms.summary();
  return {{"roomId", id.value},
          {"peersCurrent", room == nullptr ? 0 : room->members().size()},
          {"peersPeak", figures.peers_peak},
          {"joinsTotal", figures.joins},
          {"leavesTotal", figures.leaves},
          {"reconnectAttempts", figures.reconnect_attempts},
          {"reconnectSuccessRate", rate_of(figures.reconnects, figures.reconnect_attempts)},
          {"joinLatency",
           {{"p50", latency.p50},
            {"p95", latency.p95},
            {"p99", latency.p99},
            {"min", latency.min},
            {"max", latency.max},
            {"avg", latency.avg}}},
          {"dataMessages", figures.data_messages},
          {"createdAt", room == nullptr ? unix_ms(figures.created) : room->created_at()},
          {"lastActivityAt", unix_ms(figures.last_activity)}};
}

json RoomMetrics::room_snapshot(const RoomId& room, const std::function<std::int64_t(TimePoint)>& unix_ms) const {
  const auto found = room_figures_.find(room);
  return found == room_figures_.end() ? json() : describe(room, found->second, unix_ms);
}

json RoomMetrics::snapshot(const std::function<std::int64_t(TimePoint)>& unix_ms) const {
  const TimePoint now = now_();
  json system;
  if (system_) {
    const ProcessMemory& memory = system_->second;
    system = {{"ts", system_->first},
              {"heapUsed", memory.heap_used},
              {"heapTotal", memory.heap_total},
              {"rss", memory.rss},
              {"external", memory.external}};
  }
  json rooms = json::array();
  if (options_.rooms) {
    for (const auto& [id, figures] : room_figures_) rooms.push_back(describe(id, figures, unix_ms));
  }
  return {{"timestamp", unix_ms(now)},
          {"uptimeMs", std::chrono::duration_cast<std::chrono::milliseconds>(now - started_).count()},
          {"system", std::move(system)},
          {"server",
           {{"rooms", rooms_.rooms().size()},
            {"peers", rooms_.peers().size()},
            {"connectionsTotal", totals_.connections},
            {"connectionsRejected", totals_.rejected},
            {"joinsTotal", totals_.joins},
            {"leavesTotal", totals_.leaves},
            {"reconnectsTotal", totals_.reconnects},
            {"reconnectSuccessRate", rate_of(totals_.reconnects, totals_.reconnect_attempts)},
            {"dataMessages", totals_.data_messages}}},
          {"rooms", std::move(rooms)}};
}

void RoomMetrics::write(PrometheusText& out) const {
  if (options_.attached) {
    write_server(out);
    if (options_.rooms) write_rooms(out);
    write_dialects(out);
  }
  write_admin(out);
}

void RoomMetrics::write_server(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const auto count = [](auto value) { return static_cast<double>(value); };
  const ProcessMemory memory = read_process_memory();
  out.single("webrtc_rooms_rooms_active", gauge, "Rooms that exist now.", count(rooms_.rooms().size()));
  out.single("webrtc_rooms_peers_active", gauge, "Peers connected or held now.", count(rooms_.peers().size()));
  out.single("webrtc_rooms_uptime_seconds", gauge, "Seconds since this control process started.",
             std::chrono::duration<double>(now_() - started_).count());
  out.single("webrtc_rooms_connections_total", counter, "Connections accepted.", count(totals_.connections));
  out.single("webrtc_rooms_connections_rejected_total", counter, "Joins refused by a token or an admission step.",
             count(totals_.rejected));
  out.single("webrtc_rooms_joins_total", counter, "Peers admitted to rooms.", count(totals_.joins));
  out.single("webrtc_rooms_leaves_total", counter, "Peers that left their room.", count(totals_.leaves));
  out.single("webrtc_rooms_reconnects_total", counter, "Peers resumed by token.", count(totals_.reconnects));
  out.single("webrtc_rooms_reconnect_attempts_total", counter, "Attempts to resume by a token.",
             count(totals_.reconnect_attempts));
  out.single("webrtc_rooms_data_messages_total", counter, "Data messages of members, control payloads included.",
             count(totals_.data_messages));
  out.single("webrtc_rooms_reconnect_success_rate", gauge, "Resumed peers over attempts; 1 without attempts.",
             rate_of(totals_.reconnects, totals_.reconnect_attempts));
  out.family("webrtc_rooms_join_latency_ms", gauge, "Percentiles of the time from connection to admission, all rooms.");
  for (const std::uint32_t percentile : options_.percentiles) {
    const double p = static_cast<double>(percentile) / 100.0;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%g", p);
    out.sample(all_joins_ms_.percentile(p), prometheus_label("quantile", text.data()));
  }
  out.single("webrtc_rooms_heap_used_bytes", gauge, "Bytes allocated by the control process.", count(memory.heap_used));
  out.single("webrtc_rooms_heap_total_bytes", gauge, "Bytes that the control process's allocator holds.",
             count(memory.heap_total));
  out.single("webrtc_rooms_rss_bytes", gauge, "Resident memory of the control process.", count(memory.rss));
  out.single("sluice_state_log_failures_total", counter,
             "Writes of state that must survive a restart of control which the full state log refused.",
             count(store_failures_()));
}

/// AdminAPI's own three (contract section 36).
void RoomMetrics::write_admin(PrometheusText& out) const {
  using enum PrometheusText::Type;
  out.single("webrtc_rooms_active", gauge, "Rooms that exist now.", static_cast<double>(rooms_.rooms().size()));
  out.single("webrtc_peers_total", gauge, "Peers connected or held now.", static_cast<double>(rooms_.peers().size()));
  write_members("webrtc_room_peers", out);
}

void RoomMetrics::write_members(std::string_view family, PrometheusText& out) const {
  out.family(family, PrometheusText::Type::gauge, "Members of a room, held ones included.");
  for (const auto& [id, room] : rooms_.rooms())
    out.sample(static_cast<double>(room->members().size()), prometheus_label("room", id.view()));
}

void RoomMetrics::write_rooms(PrometheusText& out) const {
  using enum PrometheusText::Type;
  write_members("webrtc_rooms_room_peers_current", out);
  out.family("webrtc_rooms_room_peers_peak", gauge, "Most members that a room had at once.");
  for (const auto& [id, figures] : room_figures_)
    out.sample(static_cast<double>(figures.peers_peak), prometheus_label("room", id.view()));
  out.family("webrtc_rooms_room_join_latency_p95_ms", gauge, "95th percentile of the time from connection to admission.");
  for (const auto& [id, figures] : room_figures_)
    out.sample(figures.join_latency_ms.percentile(0.95), prometheus_label("room", id.view()));
}

void RoomMetrics::write_dialects(PrometheusText& out) const {
  using enum PrometheusText::Type;
  std::map<std::string, std::uint64_t> present;
  for (const auto& [name, figures] : dialects_) present[name] = 0;
  for (const auto& [id, peer] : rooms_.peers()) ++present[peer->dialect()];
  out.family("sluice_dialect_peers", gauge, "Peers connected or held now, by client protocol.");
  for (const auto& [name, peers] : present) out.sample(peers, prometheus_label("dialect", name));
  const auto counted = [&](std::string_view name, std::string_view help, auto member) {
    out.family(name, counter, help);
    for (const auto& [dialect, figures] : dialects_) out.sample(figures.*member, prometheus_label("dialect", dialect));
  };
  counted("sluice_dialect_connections_total", "Connections accepted, by client protocol.", &DialectFigures::connections);
  counted("sluice_dialect_joins_total", "Peers admitted, by client protocol.", &DialectFigures::joins);
  counted("sluice_dialect_data_messages_total", "Data messages of members, by client protocol.", &DialectFigures::messages);
}

}  // namespace sluice
