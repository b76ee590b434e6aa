#include "control/app/session_feature.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "control/observability/log.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

json metadata_object(const Metadata& metadata) {
  json object = json::object();
  for (const auto& [key, raw] : metadata.entries()) object[key] = json::parse(raw, nullptr, false);
  return object;
}

/// The contract's record, without token and queue, which are nobody's business.
json session_object(const SessionInfo& session) {
  return {{"id", session.id.value},
          {"roomId", session.room.value},
          {"metadata", metadata_object(session.metadata)},
          {"state", std::string(to_string(session.state))},
          {"createdAt", session.created_at},
          {"suspendedAt", session.suspended_at},
          {"ttl", session.ttl},
          {"queued", session.queued},
          {"region", session.region}};
}

json event_object(const RecordedEvent& event) {
  return json::parse(event.to_json(), nullptr, false);
}

OperationError not_found(std::string message) {
  return {OperationError::Kind::not_found, std::move(message)};
}

}  // namespace

SessionFeature::SessionFeature(FeatureContext& context) : context_(context) {
  if (context.config.security.session_manager) {
    const std::size_t revived = SessionManager::revive(context.store, context.state_log, context.unix_ms(context.now()));
    if (revived > 0) log::info("sessions of an earlier life of this server wait for their clients", {{"sessions", revived}});
    make_manager();
  }
  if (context.config.security.event_replay) make_replay();
}

void SessionFeature::make_manager() {
  const config::SessionManagerConfig& settings = *context_.config.security.session_manager;
  SessionManagerOptions options;
  options.ttl = std::max(settings.ttl, context_.config.signaling.reconnect_ttl);
  options.secret = settings.secret;
  options.region = settings.region;
  options.cleanup_interval = settings.cleanup_interval;
  manager_ =
      std::make_unique<SessionManager>(context_.rooms, context_.sessions, context_.bus, context_.store, context_.entropy,
                                       std::move(options), [this] { return context_.unix_ms(context_.now()); });
  add_session_operations(context_.operations);
  emit_session_events();
}

void SessionFeature::make_replay() {
  const config::EventReplayConfig& settings = *context_.config.security.event_replay;
  EventReplayOptions options;
  options.capacity = settings.capacity;
  options.replay_ttl = settings.ttl;
  options.replay_on_reconnect = settings.on_reconnect;
  if (!settings.types.empty())
    options.types = std::set<std::string, std::less<>>(settings.types.begin(), settings.types.end());
  replay_ = std::make_unique<EventReplay>(context_.rooms, context_.bus, context_.store, std::move(options),
                                          [this] { return context_.unix_ms(context_.now()); });
  context_.native.set_recorder(*replay_);
  add_replay_operations(context_.operations);
  emit_replay_events();
}

bool SessionFeature::attach(std::string_view module) {
  if (module == "eventReplay") {
    make_replay();
    return true;
  }
  if (module != "sessionManager") return false;
  const config::SessionManagerConfig& settings = *context_.config.security.session_manager;
  SessionOptions options = context_.sessions.options();
  options.session_ttl = settings.ttl;
  options.queue_max = settings.queue_max;
  context_.sessions.set_options(options);
  make_manager();
  return true;
}

void SessionFeature::attached(std::string_view module) {
  if (module == "sessionManager") manager_->take_in_members();
}

void SessionFeature::add_session_operations(Operations& operations) {
  operations.add({"sessions.stats",
                  "Counts sessions by state.",
                  {},
                  "{active, suspended, total}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    const SessionManager::Counts counts = manager_->counts();
                    reply(json{{"active", counts.active}, {"suspended", counts.suspended}, {"total", counts.total}});
                  }});
  operations.add({"sessions.list",
                  "Lists sessions, oldest first.",
                  {},
                  "{sessions[], count}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    json list = json::array();
                    for (const SessionInfo& session : manager_->sessions()) list.push_back(session_object(session));
                    const std::size_t count = list.size();
                    reply(json{{"sessions", std::move(list)}, {"count", count}});
                  }});
  operations.add({"sessions.get",
                  "Shows one session.",
                  {{"peerId", "string", true, "the peer's id"}},
                  "the session",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const auto session = manager_->session(PeerId(params["peerId"].get<std::string>()));
                    if (!session) return reply(tl::unexpected(not_found("Session not found")));
                    reply(session_object(*session));
                  }});
  operations.add({"sessions.expire",
                  "Ends a session: its tokens die at once.",
                  {{"peerId", "string", true, "the peer's id"}},
                  "{expired: true, peerId}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const std::string peer = params["peerId"];
                    if (!manager_->expire(PeerId(peer))) return reply(tl::unexpected(not_found("Session not found")));
                    reply(json{{"expired", true}, {"peerId", peer}});
                  }});
  operations.add({"sessions.migrate",
                  "Hands a session to another region.",
                  {{"peerId", "string", true, "the peer's id"}, {"region", "string", true, "the region"}},
                  "{migrated: true, peerId, region}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const std::string peer = params["peerId"];
                    const std::string region = params["region"];
                    if (!manager_->migrate(PeerId(peer), region))
                      return reply(tl::unexpected(not_found("Session not found")));
                    reply(json{{"migrated", true}, {"peerId", peer}, {"region", region}});
                  }});
}

void SessionFeature::add_replay_operations(Operations& operations) {
  operations.add({"replay.stats",
                  "Shows the size of the replay log.",
                  {},
                  "{size, seq, oldestSeq}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    const EventReplay::Statistics statistics = replay_->statistics();
                    reply(json{{"size", statistics.size}, {"seq", statistics.seq}, {"oldestSeq", statistics.oldest_seq}});
                  }});
  operations.add(
      {"replay.events",
       "Lists recorded events, oldest first.",
       {{"roomId", "string", false, "only events of this room"}, {"after", "integer", false, "only later numbers"}},
       "{events[], count}",
       [this](const json& params, const OperationCaller&, const OperationReply& reply) {
         const std::int64_t after = params.value("after", std::int64_t{0});
         const auto room = params.find("roomId");
         const auto events = room != params.end() && room->is_string()
                                 ? replay_->room_events(RoomId(room->get<std::string>()), after)
                                 : replay_->since(after);
         json list = json::array();
         for (const RecordedEvent& event : events) list.push_back(event_object(event));
         const std::size_t count = list.size();
         reply(json{{"events", std::move(list)}, {"count", count}});
       }});
  operations.add(
      {"replay.record",
       "Records an event of one's own.",
       {{"type", "string", true, "its type"},
        {"roomId", "string", false, "its room"},
        {"peerId", "string", false, "its peer"},
        {"payload", "object", false, "anything"}},
       "{event}: null if it is there already",
       [this](const json& params, const OperationCaller&, const OperationReply& reply) {
         const auto text = [&](const char* name) -> std::optional<std::string> {
           const auto found = params.find(name);
           return found != params.end() && found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
         };
         const auto room = text("roomId");
         const auto peer = text("peerId");
         const auto event = replay_->record(params["type"], room ? std::optional<RoomId>(RoomId(*room)) : std::nullopt,
                                            peer ? std::optional<PeerId>(PeerId(*peer)) : std::nullopt,
                                            params.value("payload", json::object()).dump());
         reply(json{{"event", event ? event_object(*event) : json()}});
       }});
  operations.add({"replay.send",
                  "Sends a member recorded events of its room.",
                  {{"peerId", "string", true, "the peer's id"}, {"after", "integer", false, "only later numbers"}},
                  "{count}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    reply(json{{"count", replay_->replay_to_peer(PeerId(params["peerId"].get<std::string>()),
                                                                 params.value("after", std::int64_t{0}))}});
                  }});
}

void SessionFeature::emit_session_events() {
  EventFeed& events = context_.events;
  subscriptions_.push_back(context_.bus.subscribe<SessionChanged>([&events](const SessionChanged& fact) {
    if (!events.heard()) return;
    json data = {{"session", session_object(fact.session)}};
    if (fact.target_region) data["targetRegion"] = *fact.target_region;
    const std::string_view state = to_string(fact.session.state);
    // Becoming active is not an event of its own in the contract.
    if (fact.session.state != SessionState::active) events.emit("session:" + std::string(state), data);
  }));
}

void SessionFeature::emit_replay_events() {
  EventFeed& events = context_.events;
  subscriptions_.push_back(context_.bus.subscribe<EventRecorded>([&events](const EventRecorded& fact) {
    if (events.heard()) events.emit("event:recorded", event_object(fact.event));
  }));
  subscriptions_.push_back(context_.bus.subscribe<EventsReplayed>([&events](const EventsReplayed& fact) {
    events.emit("replayed", {{"peerId", fact.peer.value},
                             {"roomId", fact.room.value},
                             {"count", fact.count},
                             {"fromSeq", fact.from_seq},
                             {"toSeq", fact.to_seq}});
  }));
  subscriptions_.push_back(context_.bus.subscribe<ReplayGapDetected>([&events](const ReplayGapDetected& fact) {
    events.emit("gap:detected", {{"peerId", fact.peer.value}, {"roomId", fact.room.value}, {"lastSeenSeq", fact.last_seen}});
  }));
}

void SessionFeature::handle_timeout(TimePoint now) {
  if (manager_) manager_->handle_timeout(now);
}

TimePoint SessionFeature::next_deadline() const {
  return manager_ ? manager_->next_deadline() : never;
}

void SessionFeature::stop() {
  if (manager_) manager_->close();
}

}  // namespace sluice::app
