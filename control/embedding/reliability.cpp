#include "sluice/reliability.hpp"

#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"

namespace sluice::rooms {

using embedding::list_in;
using embedding::put;

namespace {

Json tree_of(const SessionManagerOptions& options) {
  Json tree = Json::object();
  put(tree, "reconnectTtl", options.reconnectTtl);
  put(tree, "maxQueueSize", options.maxQueueSize);
  put(tree, "secret", options.secret);
  put(tree, "region", options.region);
  put(tree, "cleanupIntervalMs", options.cleanupIntervalMs);
  return tree;
}

Json tree_of(const EventReplayOptions& options) {
  Json tree = Json::object();
  put(tree, "capacity", options.capacity);
  put(tree, "replayTtlMs", options.replayTtlMs);
  put(tree, "replayOnReconnect", options.replayOnReconnect);
  put(tree, "replayableEvents", options.replayableEvents);
  return tree;
}

Json tree_of(const BackpressureControllerOptions& options) {
  Json tree = Json::object();
  put(tree, "maxPeers", options.maxPeers);
  put(tree, "sampleIntervalMs", options.sampleIntervalMs);
  put(tree, "enableLoadShedding", options.enableLoadShedding);
  put(tree, "joinSlowdownMs", options.joinSlowdownMs);
  return tree;
}

Json tree_of(const HealthMonitorOptions& options) {
  Json tree = Json::object();
  if (!options.slos.is_null()) tree["slos"] = options.slos;
  put(tree, "checkIntervalMs", options.checkIntervalMs);
  put(tree, "serviceName", options.serviceName);
  return tree;
}

}  // namespace

SessionManager::SessionManager(const SessionManagerOptions& options) : Module("sessionManager", tree_of(options)) {}
std::optional<Json> SessionManager::getSession(const std::string& peerId) const {
  std::optional<Json> session;
  if (!embedding::done([&] { return (session = ask("sessions.get", {{"peerId", peerId}})).has_value(); }))
    return std::nullopt;
  return session;
}
bool SessionManager::enqueue(const Peer& peer, const Json& message) const {
  if (peer.state() != Peer::RECONNECTING) return false;
  return embedding::done([&] { return ask("peers.send", {{"peerId", peer.id()}, {"message", message}}); });
}
bool SessionManager::expire(const std::string& peerId) const {
  return embedding::done([&] { return ask("sessions.expire", {{"peerId", peerId}}); });
}
bool SessionManager::migrateSession(const std::string& peerId, const std::string& region) const {
  return embedding::done([&] { return ask("sessions.migrate", {{"peerId", peerId}, {"region", region}}); });
}
Json SessionManager::stats() const {
  return ask("sessions.stats");
}

EventReplay::EventReplay(const EventReplayOptions& options) : Module("eventReplay", tree_of(options)) {}
std::vector<Json> EventReplay::since(std::int64_t seq) const {
  return list_in(ask("replay.events", {{"after", seq}}), "events");
}
std::vector<Json> EventReplay::roomEvents(const std::string& roomId, std::int64_t after) const {
  return list_in(ask("replay.events", {{"roomId", roomId}, {"after", after}}), "events");
}
std::int64_t EventReplay::replayToPeer(const Peer& peer, std::int64_t after) const {
  return embedding::number_in(ask("replay.send", {{"peerId", peer.id()}, {"after", after}}), "count");
}
std::optional<Json> EventReplay::record(const std::string& type, const std::optional<std::string>& roomId,
                                        const std::optional<std::string>& peerId, const Json& payload) const {
  Json params{{"type", type}, {"payload", payload}};
  put(params, "roomId", roomId);
  put(params, "peerId", peerId);
  return embedding::part_in(ask("replay.record", std::move(params)), "event");
}
std::int64_t EventReplay::currentSeq() const {
  return embedding::number_in(stats(), "seq");
}
Json EventReplay::stats() const {
  return ask("replay.stats");
}

BackpressureController::BackpressureController(const BackpressureControllerOptions& options)
    : Module("backpressure", tree_of(options)) {}
Json BackpressureController::status() const {
  return ask("backpressure.status");
}

HealthMonitor::HealthMonitor(const HealthMonitorOptions& options) : Module("healthMonitor", tree_of(options)) {}
Json HealthMonitor::report() const {
  return ask("health.slo");
}
std::vector<Json> HealthMonitor::breaches() const {
  return list_in(ask("health.breaches"), "breaches");
}
bool HealthMonitor::isHealthy() const {
  return embedding::flag_in(report(), "healthy");
}

}  // namespace sluice::rooms
