#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>

#include "control/api/core_operations.hpp"
#include "control/api/operation_terms.hpp"
#include "control/api/room_json.hpp"
#include "shm/counters/latency_histogram.hpp"

namespace sluice {

using nlohmann::json;

namespace {

const Operation::Parameter worker_parameter{"worker", "integer", true, "number of a worker, from 0"};
const Operation::Parameter undo_parameter{"undo", "boolean", false, "take it back"};

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::optional<WorkerId> worker_of(const json& params) {
  const auto number = params["worker"].get<std::int64_t>();
  if (number < 0 || number > 0xFFFF) return std::nullopt;
  return WorkerId{static_cast<std::uint16_t>(number)};
}

bool flag(const json& params, const char* name) {
  const json* value = given(params, name);
  return value != nullptr && value->get<bool>();
}

OperationResult refusal(const Upkeep::Refusal& refusal) {
  switch (refusal.kind) {
    case Upkeep::Refusal::Kind::unknown:
      return not_found(refusal.message);
    case Upkeep::Refusal::Kind::conflict:
      return refused(refusal.message);
    case Upkeep::Refusal::Kind::unavailable:
      break;
  }
  return unavailable(refusal.message);
}

/// Bounds in microseconds of the coarse histogram that is shown; the last bucket has none.
constexpr std::array<std::uint64_t, 13> shown_us{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};

json histogram_json(const LatencySnapshot& latency) {
  std::array<std::uint64_t, shown_us.size() + 1> counts{};
  for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
    const std::uint64_t us = LatencyBuckets::lower_bound_ns(i) / 1000;
    std::size_t at = 0;
    while (at < shown_us.size() && us >= shown_us[at]) ++at;
    counts[at] += latency.buckets[i];
  }
  return {{"boundsUs", shown_us}, {"counts", counts}};
}

json figures_json(const SharedLayoutOfWorker& memory, TimePoint now) {
  const LatencySnapshot latency = memory.forwarding_latency.snapshot();
  const CounterSnapshot counters = memory.counters.snapshot();
  std::uint64_t in_bps = 0;
  std::uint64_t out_bps = 0;
  std::uint32_t connected = 0;
  std::uint32_t publications = 0;
  std::uint32_t subscriptions = 0;
  memory.live.transports.for_each([&](const TransportRow& row) {
    if (row.state == schema::TransportState::connected) ++connected;
  });
  memory.live.publications.for_each([&](const PublicationRow& row) {
    ++publications;
    for (const LayerRow& layer : row.layers) in_bps += layer.bitrate_bps;
  });
  memory.live.subscriptions.for_each([&](const SubscriptionRow& row) {
    ++subscriptions;
    out_bps += row.bitrate_bps;
  });
  json counted = json::object();
  std::uint64_t drops = 0;
  for (std::size_t i = 0; i < counter_count; ++i) {
    if (std::string_view(counter_infos[i].family) == "sluice_drops_total") drops += counters.values[i];
  }
  const auto counter = [&](Counter name) { return counters.values[static_cast<std::size_t>(name)]; };
  const HeartbeatReading beat = memory.worker_heartbeat.read();
  return {{"pid", beat.pid},
          {"heartbeatAgeMs", beat.beats == 0 ? json(nullptr) : json(milliseconds(now - beat.at))},
          {"transportsConnected", connected},
          {"publications", publications},
          {"subscriptions", subscriptions},
          {"bitrateInBps", in_bps},
          {"bitrateOutBps", out_bps},
          {"datagramsIn", counter(Counter::datagrams_in)},
          {"datagramsOut", counter(Counter::datagrams_out)},
          {"bytesIn", counter(Counter::bytes_in)},
          {"bytesOut", counter(Counter::bytes_out)},
          {"forwardedPackets", counter(Counter::forwarded_packets)},
          {"retransmissions", counter(Counter::rtx_sent)},
          {"nacksReceived", counter(Counter::nacks_received)},
          {"plisSent", counter(Counter::plis_sent)},
          {"drops", drops},
          {"latencyMs",
           {{"p50", milliseconds(latency.quantile(0.5))},
            {"p99", milliseconds(latency.quantile(0.99))},
            {"p999", milliseconds(latency.quantile(0.999))}}},
          {"latencyHistogram", histogram_json(latency)}};
}

json drain_json(const CoreAccess& access) {
  const Upkeep::DrainState state = access.upkeep->draining();
  json result{{"draining", state.draining},
              {"ending", state.ending},
              {"rooms", access.rooms.rooms().size()},
              {"peers", access.rooms.peers().size()}};
  if (state.left) result["secondsLeft"] = seconds(*state.left);
  return result;
}

void add_worker_operations(Operations& operations, const CoreAccess& access) {
  operations.add({"workers.list",
                  "Media workers: what they have and how they do",
                  {},
                  "{workers: [{id, rooms, transports, draining, pid, bitrateInBps, latencyMs, latencyHistogram, ...}]}",
                  at_once([access](const json&) -> OperationResult {
                    json list = json::array();
                    for (const Upkeep::WorkerState& worker : access.upkeep->workers()) {
                      json entry{{"id", worker.id.value},
                                 {"rooms", worker.rooms},
                                 {"transports", worker.transports},
                                 {"draining", worker.draining}};
                      for (const WorkerView& view : access.views) {
                        if (view.id == worker.id) entry.update(figures_json(*view.memory, access.now()));
                      }
                      list.push_back(std::move(entry));
                    }
                    return json{{"workers", list}};
                  })});
  operations.add({"workers.drain",
                  "Moves all rooms of a worker to others and gives it no new ones",
                  {worker_parameter, undo_parameter},
                  "{worker, draining}",
                  at_once([access](const json& params) -> OperationResult {
                    const auto worker = worker_of(params);
                    if (!worker) return invalid_params("worker must be the number of a worker");
                    const bool undo = flag(params, "undo");
                    if (const auto done = access.upkeep->drain_worker(*worker, undo); !done) return refusal(done.error());
                    return json{{"worker", worker->value}, {"draining", !undo}};
                  })});
  operations.add({"rooms.migrate",
                  "Moves a room to another worker while it plays",
                  {{"roomId", "string", true, "the room"}, worker_parameter},
                  "{room, worker}",
                  at_once([access](const json& params) -> OperationResult {
                    const RoomId room(params["roomId"].get<std::string>());
                    if (access.rooms.find_room(room) == nullptr) return not_found("Room not found");
                    const auto to = worker_of(params);
                    if (!to) return invalid_params("worker must be the number of a worker");
                    if (const auto moved = access.upkeep->migrate(room, *to); !moved) return refusal(moved.error());
                    return json{{"room", room.value}, {"worker", to->value}};
                  })});
  operations.add({"server.drain",
                  "Nobody can join any more; the server ends with the last peer or at the deadline",
                  {{"deadline", "integer", false, "seconds, at most a week"}, undo_parameter},
                  "{draining, ending, rooms, peers, [secondsLeft]}",
                  at_once([access](const json& params) -> OperationResult {
                    std::optional<Duration> deadline;
                    if (const json* value = given(params, "deadline")) {
                      constexpr std::int64_t week = std::int64_t{7} * 24 * 3600;
                      if (value->get<std::int64_t>() < 0 || value->get<std::int64_t>() > week)
                        return invalid_params("deadline is in seconds, at most a week");
                      deadline = std::chrono::seconds(value->get<std::int64_t>());
                    }
                    access.upkeep->drain_server(deadline, flag(params, "undo"));
                    return drain_json(access);
                  })});
  operations.add({"server.drainState",
                  "How far a drain is",
                  {},
                  "{draining, ending, rooms, peers, [secondsLeft]}",
                  at_once([access](const json&) -> OperationResult { return drain_json(access); })});
}

json snapshot_of_all(const CoreAccess& access) {
  json rooms = json::array();
  json outside = json::array();
  for (const auto& [id, room] : access.rooms.rooms()) rooms.push_back(state_json(*room, access.rooms));
  for (const auto& [id, peer] : access.rooms.peers()) {
    if (!peer->room()) outside.push_back(snapshot_json(peer->snapshot()));
  }
  return {{"rooms", std::move(rooms)},
          {"peers", std::move(outside)},
          {"port", access.signaling_port ? access.signaling_port() : 0}};
}

}  // namespace

void add_server_operations(Operations& operations, const CoreAccess& access) {
  const TimePoint started = access.now();
  operations.add({"server.health",
                  "Whether it works, and since when",
                  {},
                  "{status: ok or degraded, uptime (s), timestamp, [problems[{part, problem, severity, since}]]}",
                  at_once([access, started](const json&) -> OperationResult {
                    json health{{"status", "ok"},
                                {"uptime", seconds(access.now() - started)},
                                {"timestamp", iso_time(access.unix_ms())}};
                    if (access.troubles != nullptr && !access.troubles->empty()) {
                      health["status"] = "degraded";
                      health["problems"] = access.troubles->to_json();
                    }
                    return health;
                  })});
  operations.add(
      {"server.stats",
       "Rooms, peers, memory",
       {},
       "{rooms, peers, roomList, uptime, memory, nodeVersion, timestamp}",
       at_once([access, started](const json&) -> OperationResult {
         json list = json::array();
         for (const auto& [id, room] : access.rooms.rooms()) list.push_back(summary_json(*room));
         const std::uint64_t rss = resident_bytes();
         return json{{"rooms", access.rooms.rooms().size()},
                     {"peers", access.rooms.peers().size()},
                     {"roomList", list},
                     {"uptime", seconds(access.now() - started)},
                     {"memory", {{"rss", rss}, {"heapTotal", rss}, {"heapUsed", rss}, {"external", 0}, {"arrayBuffers", 0}}},
                     {"nodeVersion", "sluice " SLUICE_VERSION},
                     {"timestamp", iso_time(access.unix_ms())}};
       })});
  operations.add({"server.snapshot",
                  "All rooms with their members in join order, and who is in none: at one moment",
                  {},
                  "{rooms: [{id, metadata, peers, createdAt, maxPeers}], peers[], port}",
                  at_once([access](const json&) -> OperationResult { return snapshot_of_all(access); })});
  if (access.upkeep != nullptr) add_worker_operations(operations, access);
}

void add_core_operations(Operations& operations, const CoreAccess& access) {
  add_room_operations(operations, access);
  add_peer_operations(operations, access);
  add_server_operations(operations, access);
  if (access.publications != nullptr) add_sfu_operations(operations, access);
}

}  // namespace sluice
